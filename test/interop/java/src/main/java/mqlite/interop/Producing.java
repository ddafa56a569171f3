package mqlite.interop;

import com.alibaba.fastjson2.JSONArray;
import com.alibaba.fastjson2.JSONObject;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Sends with the official producer. */
final class Producing {
    private final Session session;

    Producing(Session session) {
        this.session = session;
    }

    /**
     * {messages: [{topic, queueId?, body (base64), tags?, keys?, properties?, flag?, delayLevel?, delayMs?}], batch?, compression?, trace?}.
     * One answer per message; a batch has one answer.
     */
    List<Map<String, Object>> send(JSONObject request) throws Exception {
        DefaultMQProducer producer = request.getBooleanValue("trace") ? session.tracingProducer() : session.producer(request.getString("compression"));
        JSONArray rows = request.getJSONArray("messages");
        List<Map<String, Object>> results = new ArrayList<>();
        if (request.getBooleanValue("batch")) {
            List<Message> messages = new ArrayList<>();
            for (int i = 0; i < rows.size(); i++) {
                messages.add(message(rows.getJSONObject(i)));
            }
            MessageQueue queue = queue(rows.getJSONObject(0));
            results.add(answer(queue == null ? producer.send(messages) : producer.send(messages, queue)));
            return results;
        }
        for (int i = 0; i < rows.size(); i++) {
            MessageQueue queue = queue(rows.getJSONObject(i));
            Message message = message(rows.getJSONObject(i));
            results.add(answer(queue == null ? producer.send(message) : producer.send(message, queue)));
        }
        return results;
    }

    /** {messages: […], decision: commit|rollback|unknown, trace?}: half messages, decided by the local transaction. */
    List<Map<String, Object>> transaction(JSONObject request) throws Exception {
        LocalTransactionState decision = decision(request.getString("decision"));
        TransactionMQProducer producer = new TransactionMQProducer("interop-transactions", null, request.getBooleanValue("trace"), null);
        producer.setNamesrvAddr(session.namesrv);
        producer.setInstanceName("transactions-" + System.nanoTime());
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return decision;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                return decision;
            }
        });
        producer.start();
        try {
            List<Map<String, Object>> results = new ArrayList<>();
            JSONArray rows = request.getJSONArray("messages");
            for (int i = 0; i < rows.size(); i++) {
                results.add(answer(producer.sendMessageInTransaction(message(rows.getJSONObject(i)), null)));
            }
            return results;
        } finally {
            producer.shutdown();
        }
    }

    /**
     * {group, topic, decisions: {body: commit|rollback|unknown}, count, timeoutMs, quietMs}: answers the broker's checks as a producer of the
     * group until `count` were asked, and for `quietMs` more. One row per check: {body, topic, transactionId, checkTimes}.
     */
    List<Map<String, Object>> answerChecks(JSONObject request) throws Exception {
        JSONObject decisions = request.getJSONObject("decisions");
        CountDownLatch remaining = new CountDownLatch(request.getIntValue("count"));
        ConcurrentLinkedQueue<Map<String, Object>> rows = new ConcurrentLinkedQueue<>();
        TransactionMQProducer producer = new TransactionMQProducer(request.getString("group"));
        producer.setNamesrvAddr(session.namesrv);
        producer.setInstanceName("checks-" + System.nanoTime());
        producer.setHeartbeatBrokerInterval(500);
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return LocalTransactionState.UNKNOW;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                String body = new String(message.getBody(), StandardCharsets.UTF_8);
                Map<String, Object> row = new LinkedHashMap<>();
                row.put("body", body);
                row.put("topic", message.getTopic());
                row.put("transactionId", message.getTransactionId());
                row.put("checkTimes", message.getProperty("TRANSACTION_CHECK_TIMES"));
                rows.add(row);
                remaining.countDown();
                return decision(decisions.getString(body));
            }
        });
        producer.start();
        try {
            // The client knows a broker once it has a route; only then do heartbeats reach it.
            producer.getDefaultMQProducerImpl().getMqClientFactory().updateTopicRouteInfoFromNameServer(request.getString("topic"));
            producer.getDefaultMQProducerImpl().getMqClientFactory().sendHeartbeatToAllBrokerWithLock();
            remaining.await(request.getLongValue("timeoutMs", 20_000), TimeUnit.MILLISECONDS);
            Thread.sleep(request.getLongValue("quietMs", 0));
        } finally {
            producer.shutdown();
        }
        return new ArrayList<>(rows);
    }

    private static LocalTransactionState decision(String name) {
        if (name == null) {
            return LocalTransactionState.UNKNOW;
        }
        return switch (name) {
            case "commit" -> LocalTransactionState.COMMIT_MESSAGE;
            case "rollback" -> LocalTransactionState.ROLLBACK_MESSAGE;
            default -> LocalTransactionState.UNKNOW;
        };
    }

    private static Map<String, Object> answer(SendResult result) {
        return Reading.sent(result, result.getOffsetMsgId());
    }

    private static MessageQueue queue(JSONObject row) {
        Integer queueId = row.getInteger("queueId");
        return queueId == null ? null : new MessageQueue(row.getString("topic"), row.getString("brokerName") == null ? "broker-a" : row.getString("brokerName"), queueId);
    }

    private static Message message(JSONObject row) {
        Message message = new Message(row.getString("topic"), row.getString("tags"), row.getString("keys"), row.getIntValue("flag"),
            Base64.getDecoder().decode(row.getString("body")), true);
        JSONObject properties = row.getJSONObject("properties");
        if (properties != null) {
            properties.forEach((name, value) -> message.putUserProperty(name, String.valueOf(value)));
        }
        if (row.getInteger("delayLevel") != null) {
            message.setDelayTimeLevel(row.getIntValue("delayLevel"));
        }
        if (row.getLong("delayMs") != null) {
            message.setDelayTimeMs(row.getLongValue("delayMs"));
        }
        return message;
    }
}
