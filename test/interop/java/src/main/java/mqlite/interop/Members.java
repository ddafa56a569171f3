package mqlite.interop;

import com.alibaba.fastjson2.JSONObject;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;

/** Members of groups that stay until they are told to leave. */
final class Members {
    private record Member(DefaultMQPushConsumer consumer, ConcurrentLinkedQueue<String> seen) {
    }

    private static final Map<String, Member> MEMBERS = new HashMap<>();

    private Members() {
    }

    /** {member, group, topic, tags?, sql?, orderly?, broadcast?, instance?, fail?}: joins as `member` and consumes everything. Answers the client id. */
    static String join(Session session, JSONObject request) throws Exception {
        ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
        boolean fail = request.getBooleanValue("fail");
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(request.getString("group"));
        consumer.setNamesrvAddr(session.namesrv);
        consumer.setInstanceName(request.getString("instance") == null ? "member-" + System.nanoTime() : request.getString("instance"));
        consumer.setPollNameServerInterval(500);
        consumer.setPersistConsumerOffsetInterval(500);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        if (request.getBooleanValue("broadcast")) {
            consumer.setMessageModel(MessageModel.BROADCASTING);
        }
        if (request.getString("sql") != null) {
            consumer.subscribe(request.getString("topic"), MessageSelector.bySql(request.getString("sql")));
        } else {
            consumer.subscribe(request.getString("topic"), request.getString("tags") == null ? "*" : request.getString("tags"));
        }
        if (request.getBooleanValue("orderly")) {
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                messages.forEach(message -> seen.add(place(message)));
                return ConsumeOrderlyStatus.SUCCESS;
            });
        } else {
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                messages.forEach(message -> seen.add(place(message)));
                context.setDelayLevelWhenNextConsume(1);
                return fail ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
        }
        consumer.setAwaitTerminationMillisWhenShutdown(2000);
        consumer.start();
        MEMBERS.put(request.getString("member"), new Member(consumer, seen));
        return consumer.getDefaultMQPushConsumerImpl().getmQClientFactory().getClientId();
    }

    /** {member}: {queues: [broker/topic/queueId], seen: [broker/queueId/offset body]} so far. */
    static Map<String, Object> state(JSONObject request) {
        Member member = MEMBERS.get(request.getString("member"));
        List<String> queues = new ArrayList<>();
        for (MessageQueue queue : member.consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet()) {
            queues.add(queue.getBrokerName() + "/" + queue.getTopic() + "/" + queue.getQueueId());
        }
        Map<String, Object> state = new LinkedHashMap<>();
        state.put("queues", queues.stream().sorted().toList());
        state.put("seen", new ArrayList<>(member.seen));
        return state;
    }

    /** {group, topic, timestamp}: what mqadmin resetOffsetByTime does, on every broker. */
    static Object resetByTime(Session session, JSONObject request) throws Exception {
        session.admin.resetOffsetByTimestamp(request.getString("topic"), request.getString("group"), request.getLongValue("timestamp"), true);
        return null;
    }

    /** {member} */
    static Object leave(JSONObject request) {
        MEMBERS.remove(request.getString("member")).consumer.shutdown();
        return null;
    }

    private static String place(MessageExt message) {
        return message.getBrokerName() + "/" + message.getQueueId() + "/" + message.getQueueOffset() + " " + new String(message.getBody());
    }
}
