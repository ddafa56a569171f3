package mqlite.interop;

import com.alibaba.fastjson2.JSONObject;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.OffsetNotFoundException;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.header.QueryConsumerOffsetRequestHeader;

/** A member of a group, and the group's committed offsets. */
final class Consuming {
    private final Session session;

    Consuming(Session session) {
        this.session = session;
    }

    /**
     * {group, topic, tags?, count, timeoutMs, maxReconsumeTimes?, fail?, delayLevel?, trace?}: consumes until `count` messages came or the time is
     * over, then leaves the group (which commits). With `fail` every message is sent back, for a retry one second later unless `delayLevel` says otherwise.
     */
    List<Map<String, Object>> consume(JSONObject request) throws Exception {
        int count = request.getIntValue("count", Integer.MAX_VALUE);
        boolean fail = request.getBooleanValue("fail");
        int delayLevel = request.getIntValue("delayLevel", 1);
        CountDownLatch remaining = new CountDownLatch(count);
        ConcurrentLinkedQueue<Map<String, Object>> rows = new ConcurrentLinkedQueue<>();
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(request.getString("group"), request.getBooleanValue("trace"), null);
        consumer.setNamesrvAddr(session.namesrv);
        consumer.setInstanceName("consumer-" + System.nanoTime());
        // A group's retry topic is made while its first member joins: do not wait half a minute to hear of it.
        consumer.setPollNameServerInterval(500);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        if (request.getInteger("maxReconsumeTimes") != null) {
            consumer.setMaxReconsumeTimes(request.getIntValue("maxReconsumeTimes"));
        }
        consumer.subscribe(request.getString("topic"), request.getString("tags") == null ? "*" : request.getString("tags"));
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            context.setDelayLevelWhenNextConsume(delayLevel);
            for (MessageExt message : messages) {
                try {
                    rows.add(MessageJson.of(message, message.getMsgId(), message.getMsgId(), true));
                } catch (Exception error) {
                    throw new IllegalStateException(error);
                }
                remaining.countDown();
            }
            return fail ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.setAwaitTerminationMillisWhenShutdown(2000);
        consumer.start();
        try {
            remaining.await(request.getLongValue("timeoutMs", 20_000), TimeUnit.MILLISECONDS);
            if (fail) {
                // The last message is counted before it is sent back; a queue let go at that moment would keep it.
                Thread.sleep(1000);
            } else {
                awaitCommits(consumer, request.getString("group"), request.getString("topic"), rows);
            }
        } finally {
            consumer.shutdown();
        }
        return new ArrayList<>(rows);
    }

    /**
     * A message is counted before its offset is, and offsets are sent without an answer: leaving at that moment may lose the last of them. Waits until the
     * broker has those of all messages that came first-hand, 5 s at most.
     */
    private void awaitCommits(DefaultMQPushConsumer consumer, String group, String topic, Iterable<Map<String, Object>> rows) throws Exception {
        Map<Integer, Long> wanted = new HashMap<>();
        for (Map<String, Object> row : rows) {
            if (topic.equals(row.get("topic")) && !((Map<?, ?>) row.get("properties")).containsKey("RETRY_TOPIC")) {
                wanted.merge((Integer) row.get("queueId"), (Long) row.get("queueOffset") + 1, Math::max);
            }
        }
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5); System.nanoTime() < end; Thread.sleep(50)) {
            consumer.getDefaultMQPushConsumerImpl().persistConsumerOffset();
            boolean isCommitted = true;
            for (Map<String, Object> row : committed(group, topic)) {
                Long offset = (Long) row.get("committedOffset");
                isCommitted &= (offset == null ? 0 : offset) >= wanted.getOrDefault((Integer) row.get("queueId"), 0L);
            }
            if (isCommitted) {
                return;
            }
        }
    }

    /** [{queueId, committedOffset|null}] of a topic. */
    List<Map<String, Object>> committed(String group, String topic) throws Exception {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (Map<String, Object> queue : session.queues(topic)) {
            QueryConsumerOffsetRequestHeader header = new QueryConsumerOffsetRequestHeader();
            header.setConsumerGroup(group);
            header.setTopic(topic);
            header.setQueueId((Integer) queue.get("queueId"));
            header.setSetZeroIfNotFound(false);
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("queueId", queue.get("queueId"));
            row.put("committedOffset", committed(header));
            rows.add(row);
        }
        return rows;
    }

    private Long committed(QueryConsumerOffsetRequestHeader header) throws Exception {
        try {
            return session.api().queryConsumerOffset(session.broker, header, Session.TIMEOUT_MS);
        } catch (OffsetNotFoundException notFound) {
            return null;
        } catch (MQBrokerException error) {
            if (error.getResponseCode() == ResponseCode.QUERY_NOT_FOUND) {
                return null;
            }
            throw error;
        }
    }

    /** {group, topic, queueId, offset}: sets a committed offset from outside. */
    Object commit(JSONObject request) throws Exception {
        MessageQueue queue = new MessageQueue(request.getString("topic"), "broker-a", request.getIntValue("queueId"));
        session.admin.updateConsumeOffset(session.broker, request.getString("group"), queue, request.getLongValue("offset"));
        return null;
    }
}
