package mqlite.bench;

import com.alibaba.fastjson2.JSON;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;

/**
 * What the official client reaches on a running cluster: the yardstick of docs/performance.md for clusters.
 *
 * <pre>ClientBench --mode send|consume --namesrv HOST:PORT --topic TOPIC --count N [--size BYTES] [--threads N] [--warmup N] [--group PREFIX]</pre>
 *
 * send: `threads` threads send one message after the other, with a key and a tag. consume: a push consumer with a listener that does nothing, as
 * delivered by default; a round is from the first message to the last of `count`, so that joining the group costs nothing. Both do it once to
 * warm up (`warmup` messages), and once for the figure. Prints one JSON line.
 */
public final class ClientBench {
    private ClientBench() {
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i < args.length; i += 2) {
            options.put(args[i].substring(2), args[i + 1]);
        }
        boolean sends = "send".equals(options.get("mode"));
        int count = Integer.parseInt(options.get("count"));
        int warmup = Integer.parseInt(options.getOrDefault("warmup", "0"));
        double first = 0;
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("client", "java");
        List<Long> latencies = Collections.synchronizedList(new ArrayList<>());
        double rate;
        if (sends) {
            DefaultMQProducer producer = new DefaultMQProducer("bench-producers");
            producer.setNamesrvAddr(options.get("namesrv"));
            producer.start();
            first = warmup == 0 ? 0 : send(producer, options, warmup, latencies);
            latencies.clear();
            rate = send(producer, options, count, latencies);
            producer.shutdown();
        } else {
            first = warmup == 0 ? 0 : consume(options, options.get("group") + "-warm", warmup);
            rate = consume(options, options.get("group"), count);
        }
        report.put("messagesPerSecond", rate);
        report.put("warmupMessagesPerSecond", first);
        long[] sorted = latencies.stream().mapToLong(Long::longValue).toArray();
        Arrays.sort(sorted);
        if (sorted.length > 0) {
            report.put("p50Ms", sorted[sorted.length / 2] / 1e6);
            report.put("p99Ms", sorted[(int) (sorted.length * 0.99)] / 1e6);
        }
        System.out.println(JSON.toJSONString(report));
        System.exit(0);
    }

    private static double send(DefaultMQProducer producer, Map<String, String> options, int count, List<Long> latencies) throws Exception {
        int threads = Integer.parseInt(options.getOrDefault("threads", "1"));
        byte[] body = new byte[Integer.parseInt(options.getOrDefault("size", "1024"))];
        for (int i = 0; i < body.length; i++) {
            body[i] = (byte) ('a' + i % 26);
        }
        AtomicInteger next = new AtomicInteger();
        AtomicInteger failed = new AtomicInteger();
        CountDownLatch done = new CountDownLatch(threads);
        long started = System.nanoTime();
        for (int t = 0; t < threads; t++) {
            new Thread(() -> {
                try {
                    for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                        long before = System.nanoTime();
                        if (producer.send(new Message(options.get("topic"), "bench", "k" + i, body)).getSendStatus() != SendStatus.SEND_OK) {
                            failed.incrementAndGet();
                        }
                        latencies.add(System.nanoTime() - before);
                    }
                } catch (Exception e) {
                    e.printStackTrace();
                    failed.incrementAndGet();
                } finally {
                    done.countDown();
                }
            }).start();
        }
        done.await();
        double seconds = (System.nanoTime() - started) / 1e9;
        if (failed.get() > 0) {
            throw new IllegalStateException(failed.get() + " sends failed");
        }
        return count / seconds;
    }

    private static double consume(Map<String, String> options, String group, int count) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(options.get("namesrv"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(options.get("topic"), "*");
        AtomicLong firstAt = new AtomicLong();
        AtomicInteger seen = new AtomicInteger();
        CountDownLatch done = new CountDownLatch(1);
        AtomicLong lastAt = new AtomicLong();
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            firstAt.compareAndSet(0, System.nanoTime());
            if (seen.addAndGet(messages.size()) >= count && lastAt.compareAndSet(0, System.nanoTime())) {
                done.countDown();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        done.await();
        consumer.shutdown();
        return count / ((lastAt.get() - firstAt.get()) / 1e9);
    }
}
