package mqlite.interop;

import com.alibaba.fastjson2.JSONArray;
import com.alibaba.fastjson2.JSONObject;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
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
     * {messages: [{topic, queueId?, body (base64), tags?, keys?, properties?, flag?, delayLevel?, delayMs?}], batch?, compression?}.
     * One answer per message; a batch has one answer.
     */
    List<Map<String, Object>> send(JSONObject request) throws Exception {
        DefaultMQProducer producer = session.producer(request.getString("compression"));
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

    /** {messages: […], decision: commit|rollback|unknown}: half messages, decided by the local transaction. */
    List<Map<String, Object>> transaction(JSONObject request) throws Exception {
        LocalTransactionState decision = switch (request.getString("decision")) {
            case "commit" -> LocalTransactionState.COMMIT_MESSAGE;
            case "rollback" -> LocalTransactionState.ROLLBACK_MESSAGE;
            default -> LocalTransactionState.UNKNOW;
        };
        TransactionMQProducer producer = new TransactionMQProducer("interop-transactions");
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

    private static Map<String, Object> answer(SendResult result) {
        return Reading.sent(result, result.getOffsetMsgId());
    }

    private static MessageQueue queue(JSONObject row) {
        Integer queueId = row.getInteger("queueId");
        return queueId == null ? null : new MessageQueue(row.getString("topic"), "broker-a", queueId);
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
