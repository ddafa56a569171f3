package mqlite.interop;

import com.alibaba.fastjson2.JSONObject;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.impl.MQClientAPIImpl;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.compression.CompressionType;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.admin.TopicOffset;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Connections to one running broker. Clients cache broker addresses, so every boot of a broker gets a session of its own. */
final class Session {
    static final long TIMEOUT_MS = 10_000;

    final String name;
    final String namesrv;
    /** host:port of the broker. */
    final String broker;
    final DefaultMQAdminExt admin;
    private final Map<String, DefaultMQProducer> producers = new HashMap<>();

    Session(String name, String namesrv, String broker) throws Exception {
        this.name = name;
        this.namesrv = namesrv;
        this.broker = broker;
        this.admin = new DefaultMQAdminExt(TIMEOUT_MS);
        this.admin.setNamesrvAddr(namesrv);
        this.admin.setInstanceName("admin-" + name);
        this.admin.start();
        for (String topic : topics().keySet()) {
            awaitRoute(topic);
        }
    }

    void close() {
        producers.values().forEach(DefaultMQProducer::shutdown);
        admin.shutdown();
    }

    /** The low-level client: asks this broker, whatever the name server says. */
    MQClientAPIImpl api() {
        return admin.getDefaultMQAdminExtImpl().getMqClientInstance().getMQClientAPIImpl();
    }

    /** A producer that compresses bodies of at least 4 KiB with the given algorithm, or never. */
    DefaultMQProducer producer(String compression) throws Exception {
        String key = compression == null ? "none" : compression;
        DefaultMQProducer producer = producers.get(key);
        if (producer == null) {
            producer = new DefaultMQProducer("interop-producer-" + key);
            producer.setNamesrvAddr(namesrv);
            producer.setInstanceName("producer-" + key + "-" + name);
            producer.setSendMsgTimeout((int) TIMEOUT_MS);
            producer.setMaxMessageSize(8 << 20);
            if (compression == null) {
                producer.setCompressMsgBodyOverHowmuch(Integer.MAX_VALUE);
            } else {
                producer.setCompressType(CompressionType.of(compression));
                producer.setCompressMsgBodyOverHowmuch(64);
            }
            producer.start();
            producers.put(key, producer);
        }
        return producer;
    }

    /** A producer that tells of what it sends. */
    DefaultMQProducer tracingProducer() throws Exception {
        DefaultMQProducer producer = producers.get("tracing");
        if (producer == null) {
            producer = new DefaultMQProducer("interop-tracing", true, null);
            producer.setNamesrvAddr(namesrv);
            producer.setInstanceName("tracing-" + name);
            producer.start();
            producers.put("tracing", producer);
        }
        return producer;
    }

    /** Every topic that the broker is configured with, system topics included. */
    Map<String, Object> topics() throws Exception {
        Map<String, Object> topics = new TreeMap<>();
        for (TopicConfig config : api().getAllTopicConfig(broker, TIMEOUT_MS).getTopicConfigTable().values()) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("readQueueNums", config.getReadQueueNums());
            row.put("writeQueueNums", config.getWriteQueueNums());
            row.put("perm", config.getPerm());
            row.put("order", config.isOrder());
            topics.put(config.getTopicName(), row);
        }
        return topics;
    }

    /** [{queueId, minOffset, maxOffset}] in queue order. */
    List<Map<String, Object>> queues(String topic) throws Exception {
        List<Map<String, Object>> queues = new ArrayList<>();
        Map<MessageQueue, TopicOffset> table = admin.examineTopicStats(broker, topic).getOffsetTable();
        table.entrySet().stream().sorted(Comparator.comparingInt(entry -> entry.getKey().getQueueId())).forEach(entry -> {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("queueId", entry.getKey().getQueueId());
            row.put("minOffset", entry.getValue().getMinOffset());
            row.put("maxOffset", entry.getValue().getMaxOffset());
            queues.add(row);
        });
        return queues;
    }

    Object createTopic(JSONObject request) throws Exception {
        int queues = request.getIntValue("queues", 4);
        TopicConfig config = new TopicConfig(request.getString("topic"), queues, queues);
        config.setOrder(request.getBooleanValue("order"));
        if (request.getJSONObject("attributes") != null) {
            request.getJSONObject("attributes").forEach((key, value) -> config.getAttributes().put(key, String.valueOf(value)));
        }
        admin.createAndUpdateTopicConfig(broker, config);
        awaitRoute(config.getTopicName());
        return null;
    }

    /** The name server hears of a topic some time after the broker has it: waits until it leads to this broker. */
    private void awaitRoute(String topic) throws Exception {
        long deadline = System.currentTimeMillis() + TIMEOUT_MS;
        while (!isRouted(topic)) {
            if (System.currentTimeMillis() > deadline) {
                throw new IllegalStateException("the name server does not lead to " + broker + " for topic " + topic);
            }
            Thread.sleep(20);
        }
    }

    private boolean isRouted(String topic) throws Exception {
        try {
            return admin.examineTopicRouteInfo(topic).getBrokerDatas().stream().anyMatch(data -> data.getBrokerAddrs().containsValue(broker));
        } catch (MQClientException unknown) {
            return false;
        }
    }

    Object deleteTopic(String topic) throws Exception {
        admin.deleteTopicInBroker(Set.of(broker), topic);
        return null;
    }
}
