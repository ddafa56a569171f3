package mqlite.interop;

import com.alibaba.fastjson2.JSONObject;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.impl.CommunicationMode;
import org.apache.rocketmq.client.impl.consumer.PullResultExt;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.common.filter.ExpressionType;
import org.apache.rocketmq.common.message.MessageClientExt;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageId;
import org.apache.rocketmq.common.sysflag.PullSysFlag;
import org.apache.rocketmq.remoting.protocol.header.PullMessageRequestHeader;

/** What the official client reads: whole topics, single messages, answers of the index. */
final class Reading {
    private static final int BATCH = 1000;

    private final Session session;

    Reading(Session session) {
        this.session = session;
    }

    /** Every message of every queue of the topics (of all topics when null), in (topic, queueId, queueOffset) order. */
    List<Map<String, Object>> pullAll(List<String> topics) throws Exception {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (String topic : new TreeSet<>(topics == null ? session.topics().keySet() : topics)) {
            pullEach(topic, message -> rows.add(row(message, false)));
        }
        return rows;
    }

    /** {@code queueId/queueOffset msgId} of every message of a topic: rows of all fields fill a heap that these do not (3 KB against 100 B a message). */
    List<String> places(String topic) throws Exception {
        List<String> places = new ArrayList<>();
        pullEach(topic, message -> places.add(message.getQueueId() + "/" + message.getQueueOffset() + " " + message.getMsgId()));
        return places;
    }

    private interface Visitor {
        void visit(MessageExt message) throws Exception;
    }

    private void pullEach(String topic, Visitor visitor) throws Exception {
        for (Map<String, Object> queue : session.queues(topic)) {
            int queueId = (Integer) queue.get("queueId");
            long end = (Long) queue.get("maxOffset");
            long offset = (Long) queue.get("minOffset");
            while (offset < end) {
                PullResultExt pulled = pull(topic, queueId, offset, BATCH);
                for (MessageExt message : decode(pulled)) {
                    visitor.visit(message);
                }
                if (pulled.getNextBeginOffset() <= offset) {
                    throw new IllegalStateException(topic + " queue " + queueId + " stuck at " + offset + ": " + pulled.getPullStatus());
                }
                offset = pulled.getNextBeginOffset();
            }
        }
    }

    /** {topic, queueId, offset, max?}: one pull. */
    Map<String, Object> pullOne(JSONObject request) throws Exception {
        PullResultExt pulled = pull(request.getString("topic"), request.getIntValue("queueId"), request.getLongValue("offset"), request.getIntValue("max", 32));
        List<Map<String, Object>> messages = new ArrayList<>();
        for (MessageExt message : decode(pulled)) {
            messages.add(row(message, true));
        }
        return Map.of("status", pulled.getPullStatus().name(), "nextOffset", pulled.getNextBeginOffset(),
            "minOffset", pulled.getMinOffset(), "maxOffset", pulled.getMaxOffset(), "messages", messages);
    }

    /** By offsetMsgId, asked of this session's broker. */
    Map<String, Object> view(String offsetMsgId) throws Exception {
        MessageId id = MessageDecoder.decodeMessageId(offsetMsgId);
        return row(session.api().viewMessage(session.broker, "", id.getOffset(), Session.TIMEOUT_MS), true);
    }

    List<Map<String, Object>> findByKey(String topic, String key) throws Exception {
        return found(() -> session.admin.queryMessage(topic, key, 64, 0, Long.MAX_VALUE));
    }

    List<Map<String, Object>> findByUniqueKey(String topic, String key) throws Exception {
        return found(() -> session.admin.queryMessageByUniqKey(null, topic, key, 32, 0, Long.MAX_VALUE));
    }

    private interface Query {
        QueryResult run() throws Exception;
    }

    private static List<Map<String, Object>> found(Query query) throws Exception {
        List<Map<String, Object>> rows = new ArrayList<>();
        try {
            for (MessageExt message : query.run().getMessageList()) {
                rows.add(row(message, true));
            }
        } catch (MQClientException error) {
            if (!String.valueOf(error.getMessage()).contains("no message")) {
                throw error;
            }
        }
        return rows;
    }

    private PullResultExt pull(String topic, int queueId, long offset, int max) throws Exception {
        PullMessageRequestHeader header = new PullMessageRequestHeader();
        header.setConsumerGroup(MixAll.TOOLS_CONSUMER_GROUP);
        header.setTopic(topic);
        header.setQueueId(queueId);
        header.setQueueOffset(offset);
        header.setMaxMsgNums(max);
        header.setSysFlag(PullSysFlag.buildSysFlag(false, false, true, false));
        header.setCommitOffset(0L);
        header.setSuspendTimeoutMillis(0L);
        header.setSubscription("*");
        header.setSubVersion(0L);
        header.setExpressionType(ExpressionType.TAG);
        return (PullResultExt) session.api().pullMessage(session.broker, header, Session.TIMEOUT_MS, CommunicationMode.SYNC, null);
    }

    private static List<MessageExt> decode(PullResultExt pulled) {
        if (pulled.getPullStatus() != PullStatus.FOUND) {
            return List.of();
        }
        return MessageDecoder.decodesBatch(ByteBuffer.wrap(pulled.getMessageBinary()), true, true, true);
    }

    private static Map<String, Object> row(MessageExt message, boolean withBody) throws Exception {
        if (message instanceof MessageClientExt client) {
            return MessageJson.of(client, client.getMsgId(), client.getOffsetMsgId(), withBody);
        }
        return MessageJson.of(message, message.getMsgId(), message.getMsgId(), withBody);
    }

    /** Where a message went, as the broker answered. */
    static Map<String, Object> sent(SendResult result, String offsetMsgId) {
        Map<String, Object> row = new LinkedHashMap<>(Map.of("status", result.getSendStatus().name(), "topic", result.getMessageQueue().getTopic(), "brokerName", result.getMessageQueue().getBrokerName(),
            "queueId", result.getMessageQueue().getQueueId(), "queueOffset", result.getQueueOffset(), "msgId", String.valueOf(result.getMsgId()),
            "offsetMsgId", String.valueOf(offsetMsgId)));
        if (result.getRecallHandle() != null) {
            row.put("recallHandle", result.getRecallHandle());
        }
        return row;
    }
}
