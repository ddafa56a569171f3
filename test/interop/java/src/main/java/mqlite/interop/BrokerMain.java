package mqlite.interop;

import org.apache.rocketmq.broker.BrokerStartup;

/**
 * The broker, unchanged, but without nine seconds of waiting at its end: its shutdown joins three network event threads in
 * turn, and each sleeps on an empty queue for three seconds before it looks. They are woken as soon as the shutdown
 * begins. They touch no file.
 */
public final class BrokerMain {
    private static final String SLEEPER = "NettyEventExecutor";

    private BrokerMain() {
    }

    public static void main(String[] args) {
        Runtime.getRuntime().addShutdownHook(new Thread(BrokerMain::startWaking));
        BrokerStartup.main(args);
    }

    private static void startWaking() {
        Thread waker = new Thread(() -> {
            while (true) {
                Thread.getAllStackTraces().keySet().stream().filter(thread -> thread.getName().equals(SLEEPER)).forEach(Thread::interrupt);
                try {
                    Thread.sleep(100);
                } catch (InterruptedException stopped) {
                    return;
                }
            }
        });
        waker.setDaemon(true);
        waker.start();
    }
}
