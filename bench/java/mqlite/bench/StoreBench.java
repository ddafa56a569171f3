package mqlite.bench;

import com.alibaba.fastjson2.JSON;
import java.io.File;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.apache.rocketmq.common.BrokerConfig;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageClientIDSetter;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageExtBrokerInner;
import org.apache.rocketmq.store.DefaultMessageStore;
import org.apache.rocketmq.store.GetMessageResult;
import org.apache.rocketmq.store.PutMessageResult;
import org.apache.rocketmq.store.PutMessageStatus;
import org.apache.rocketmq.store.config.FlushDiskType;
import org.apache.rocketmq.store.config.MessageStoreConfig;
import org.apache.rocketmq.store.stats.BrokerStatsManager;

/**
 * What the JVM's own message store does on this machine, without a broker around it: the yardstick of docs/performance.md.
 *
 * <pre>StoreBench --mode append|sync|read --count N --size BYTES [--queues 4] [--keys 1] [--rounds 5] [--warmup 1]
 *            [--directory DIR] [--batch 32] [--segment-size BYTES] [--keep]</pre>
 *
 * Every round gets a directory of its own. Prints one JSON line: the median of each rate over the rounds, the first round of
 * the process (a warm-up round, when there is one), and the rounds.
 */
public final class StoreBench {
    private static final String TOPIC = "Bench";
    private static final InetSocketAddress HOST = new InetSocketAddress("127.0.0.1", 10911);

    private final Options options;
    private final byte[] body;
    /** The first round of the process, before anything was compiled. */
    private Map<String, Double> first;

    private StoreBench(Options options) {
        this.options = options;
        this.body = new byte[options.size];
        for (int i = 0; i < body.length; i++) {
            body[i] = (byte) ('a' + i % 26);
        }
    }

    public static void main(String[] args) throws Exception {
        System.setProperty("rocketmq.broker.diskSpaceWarningLevelRatio", "0.99");
        System.setProperty("rocketmq.broker.diskSpaceCleanForciblyRatio", "0.98");
        Options options = Options.parse(args);
        Map<String, Object> report = new StoreBench(options).run();
        System.out.println(JSON.toJSONString(report));
        System.exit(0);
    }

    private Map<String, Object> run() throws Exception {
        List<Map<String, Double>> rounds = options.mode.equals("read") ? readRounds() : appendRounds();
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("engine", "DefaultMessageStore");
        report.put("mode", options.mode);
        report.put("messages", options.count);
        report.put("sizeBytes", options.size);
        report.put("queues", options.queues);
        report.put("keys", options.keys);
        report.put("java", System.getProperty("java.version"));
        for (String name : rounds.get(0).keySet()) {
            report.put(name, median(rounds.stream().mapToDouble(round -> round.get(name)).toArray()));
        }
        report.put("first", first);
        report.put("rounds", rounds);
        return report;
    }

    private List<Map<String, Double>> appendRounds() throws Exception {
        List<Map<String, Double>> rounds = new ArrayList<>();
        for (int i = -options.warmup; i < options.rounds; i++) {
            Path directory = Files.createTempDirectory(options.directory, "store-bench-");
            DefaultMessageStore store = open(directory);
            try {
                Map<String, Double> round = append(store);
                if (i == -options.warmup) {
                    first = round;
                }
                if (i >= 0) {
                    rounds.add(round);
                }
            } finally {
                close(store, directory);
            }
        }
        return rounds;
    }

    private List<Map<String, Double>> readRounds() throws Exception {
        Path directory = Files.createTempDirectory(options.directory, "store-bench-");
        DefaultMessageStore store = open(directory);
        List<Map<String, Double>> rounds = new ArrayList<>();
        try {
            append(store);
            for (int i = -options.warmup; i < options.rounds; i++) {
                Map<String, Double> round = read(store);
                if (i == -options.warmup) {
                    first = round;
                }
                if (i >= 0) {
                    rounds.add(round);
                }
            }
        } finally {
            close(store, directory);
        }
        return rounds;
    }

    private DefaultMessageStore open(Path directory) throws Exception {
        MessageStoreConfig config = new MessageStoreConfig();
        config.setStorePathRootDir(directory.toString());
        config.setStorePathCommitLog(directory + File.separator + "commitlog");
        config.setHaListenPort(0);
        config.setTimerWheelEnable(false);
        config.setDiskMaxUsedSpaceRatio(95);
        config.setFlushDiskType(options.mode.equals("sync") ? FlushDiskType.SYNC_FLUSH : FlushDiskType.ASYNC_FLUSH);
        if (options.segmentSize > 0) {
            config.setMappedFileSizeCommitLog(options.segmentSize);
        }
        BrokerConfig broker = new BrokerConfig();
        ConcurrentHashMap<String, TopicConfig> topics = new ConcurrentHashMap<>();
        topics.put(TOPIC, new TopicConfig(TOPIC, options.queues, options.queues));
        BrokerStatsManager stats = new BrokerStatsManager("BenchCluster", false);
        DefaultMessageStore store = new DefaultMessageStore(config, stats, (topic, queueId, offset, tagsCode, time, bits, properties) -> { }, broker, topics);
        if (!store.load()) {
            throw new IllegalStateException("the store in " + directory + " did not load");
        }
        store.start();
        return store;
    }

    private void close(DefaultMessageStore store, Path directory) throws Exception {
        store.shutdown();
        if (options.keep) {
            return;
        }
        store.destroy();
        try (Stream<Path> tree = Files.walk(directory)) {
            tree.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        }
    }

    /** One message as the broker hands it to its store: a client's properties and the ones that the broker adds. */
    private MessageExtBrokerInner message(int number) {
        Map<String, String> properties = new HashMap<>(16);
        properties.put(MessageConst.PROPERTY_TAGS, "TagA");
        if (options.keys > 0) {
            StringBuilder keys = new StringBuilder("key-").append(number);
            for (int k = 1; k < options.keys; k++) {
                keys.append(' ').append("key").append(k).append('-').append(number);
            }
            properties.put(MessageConst.PROPERTY_KEYS, keys.toString());
        }
        properties.put(MessageConst.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX, MessageClientIDSetter.createUniqID());
        properties.put(MessageConst.PROPERTY_WAIT_STORE_MSG_OK, "true");
        properties.put(MessageConst.PROPERTY_MSG_REGION, "DefaultRegion");
        properties.put(MessageConst.PROPERTY_TRACE_SWITCH, "true");
        properties.put(MessageConst.PROPERTY_CLUSTER, "DefaultCluster");
        MessageExtBrokerInner message = new MessageExtBrokerInner();
        message.setTopic(TOPIC);
        message.setQueueId(number % options.queues);
        message.setBody(body);
        message.setBornTimestamp(System.currentTimeMillis());
        message.setBornHost(HOST);
        message.setStoreHost(HOST);
        MessageAccessor.setProperties(message, properties);
        message.setPropertiesString(MessageDecoder.messageProperties2String(properties));
        message.setTagsCode(MessageExtBrokerInner.tagsString2tagsCode(null, "TagA"));
        return message;
    }

    private Map<String, Double> append(DefaultMessageStore store) throws Exception {
        long[] latencies = new long[options.count];
        long start = System.nanoTime();
        long before = start;
        for (int i = 0; i < options.count; i++) {
            PutMessageResult result = store.putMessage(message(i));
            while (result.getPutMessageStatus() == PutMessageStatus.OS_PAGE_CACHE_BUSY) {
                Thread.sleep(1);
                result = store.putMessage(message(i));
            }
            if (result.getPutMessageStatus() != PutMessageStatus.PUT_OK) {
                throw new IllegalStateException("message " + i + ": " + result.getPutMessageStatus());
            }
            long now = System.nanoTime();
            latencies[i] = now - before;
            before = now;
        }
        double appended = (System.nanoTime() - start) / 1e9;
        while (store.dispatchBehindBytes() > 0) {
            Thread.sleep(1);
        }
        double indexed = (System.nanoTime() - start) / 1e9;
        Arrays.sort(latencies);
        Map<String, Double> round = new LinkedHashMap<>();
        round.put("messagesPerSecond", options.count / appended);
        round.put("indexedMessagesPerSecond", options.count / indexed);
        round.put("mebibytesPerSecond", (double) options.count * options.size / appended / (1 << 20));
        round.put("latencyMsP50", latencies[options.count / 2] / 1e6);
        round.put("latencyMsP99", latencies[(int) (options.count * 0.99)] / 1e6);
        return round;
    }

    /** Every queue from its first to its last message, decoded with body, property map and CRC check. */
    private Map<String, Double> read(DefaultMessageStore store) throws Exception {
        long messages = 0;
        long checksum = 0;
        long start = System.nanoTime();
        for (int queueId = 0; queueId < options.queues; queueId++) {
            long offset = 0;
            long end = store.getMaxOffsetInQueue(TOPIC, queueId);
            while (offset < end) {
                GetMessageResult result = store.getMessage("bench", TOPIC, queueId, offset, options.batch, null);
                try {
                    for (ByteBuffer buffer : result.getMessageBufferList()) {
                        MessageExt message = MessageDecoder.decode(buffer, true, true, false, false, true);
                        if (message == null || message.getBody().length != options.size) {
                            throw new IllegalStateException("queue " + queueId + " offset " + offset + " does not decode");
                        }
                        checksum += message.getProperties().size();
                        messages++;
                    }
                    offset = result.getNextBeginOffset();
                } finally {
                    result.release();
                }
            }
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        if (messages != options.count || checksum == 0) {
            throw new IllegalStateException("read " + messages + " of " + options.count + " messages");
        }
        Map<String, Double> round = new LinkedHashMap<>();
        round.put("messagesPerSecond", messages / seconds);
        round.put("mebibytesPerSecond", (double) messages * options.size / seconds / (1 << 20));
        return round;
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        int middle = values.length / 2;
        double median = values.length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
        return Math.round(median * 10_000) / 10_000.0;
    }

    private static final class Options {
        String mode = "append";
        int count = 400_000;
        int size = 1024;
        int queues = 4;
        int keys = 1;
        int rounds = 5;
        int warmup = 1;
        int batch = 32;
        int segmentSize = 0;
        boolean keep = false;
        Path directory = Path.of(System.getProperty("java.io.tmpdir"));

        static Options parse(String[] args) {
            Options options = new Options();
            for (int i = 0; i < args.length; i++) {
                String name = args[i];
                if (name.equals("--keep")) {
                    options.keep = true;
                    continue;
                }
                if (i + 1 == args.length) {
                    throw new IllegalArgumentException(name + " needs a value");
                }
                String value = args[++i];
                switch (name) {
                    case "--mode" -> options.mode = value;
                    case "--count" -> options.count = Integer.parseInt(value);
                    case "--size" -> options.size = Integer.parseInt(value);
                    case "--queues" -> options.queues = Integer.parseInt(value);
                    case "--keys" -> options.keys = Integer.parseInt(value);
                    case "--rounds" -> options.rounds = Integer.parseInt(value);
                    case "--warmup" -> options.warmup = Integer.parseInt(value);
                    case "--batch" -> options.batch = Integer.parseInt(value);
                    case "--segment-size" -> options.segmentSize = Integer.parseInt(value);
                    case "--directory" -> options.directory = Path.of(value);
                    default -> throw new IllegalArgumentException("unknown option " + name);
                }
            }
            if (!List.of("append", "sync", "read").contains(options.mode)) {
                throw new IllegalArgumentException("--mode is append, sync or read, not " + options.mode);
            }
            return options;
        }
    }
}
