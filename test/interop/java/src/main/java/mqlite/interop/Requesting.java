package mqlite.interop;

import com.alibaba.fastjson2.JSONObject;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Requests, replies and recalls of the official client. */
final class Requesting {
    private final Session session;

    Requesting(Session session) {
        this.session = session;
    }

    /** {topic, body (text), timeoutMs}: the body of the reply. */
    String request(JSONObject request) throws Exception {
        Message message = new Message(request.getString("topic"), request.getString("body").getBytes(StandardCharsets.UTF_8));
        return new String(session.producer(null).request(message, request.getLongValue("timeoutMs", 20_000)).getBody(), StandardCharsets.UTF_8);
    }

    /** {group, topic, count, timeoutMs}: replies "BODY from Java" to so many requests; their bodies. */
    List<String> reply(JSONObject request) throws Exception {
        CountDownLatch remaining = new CountDownLatch(request.getIntValue("count"));
        ConcurrentLinkedQueue<String> bodies = new ConcurrentLinkedQueue<>();
        DefaultMQProducer producer = session.producer(null);
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(request.getString("group"));
        consumer.setNamesrvAddr(session.namesrv);
        consumer.setInstanceName("replier-" + System.nanoTime());
        consumer.setPollNameServerInterval(500);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(request.getString("topic"), "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                String body = new String(message.getBody(), StandardCharsets.UTF_8);
                try {
                    producer.send(MessageUtil.createReplyMessage(message, (body + " from Java").getBytes(StandardCharsets.UTF_8)), 5000);
                } catch (Exception error) {
                    throw new IllegalStateException(error);
                }
                bodies.add(body);
                remaining.countDown();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        try {
            remaining.await(request.getLongValue("timeoutMs", 20_000), TimeUnit.MILLISECONDS);
        } finally {
            consumer.shutdown();
        }
        return new ArrayList<>(bodies);
    }

    /** {topic, recallHandle}: the id of the message that was taken back. */
    Map<String, Object> recall(JSONObject request) throws Exception {
        return Map.of("msgId", session.producer(null).recallMessage(request.getString("topic"), request.getString("recallHandle")));
    }
}
