package mqlite.interop;

import java.net.InetSocketAddress;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;

/** A message in the shape of test/fixtures/broker-5.5.0-truth.ndjson. */
final class MessageJson {
    private MessageJson() {
    }

    static Map<String, Object> of(MessageExt message, String msgId, String offsetMsgId, boolean withBody) throws Exception {
        byte[] body = message.getBody() == null ? new byte[0] : message.getBody();
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("topic", message.getTopic());
        row.put("queueId", message.getQueueId());
        row.put("queueOffset", message.getQueueOffset());
        row.put("commitLogOffset", message.getCommitLogOffset());
        row.put("storeSize", message.getStoreSize());
        row.put("sysFlag", message.getSysFlag());
        row.put("flag", message.getFlag());
        row.put("bodyCRC", message.getBodyCRC());
        row.put("bornTimestamp", message.getBornTimestamp());
        row.put("bornHost", host(message.getBornHost()));
        row.put("storeTimestamp", message.getStoreTimestamp());
        row.put("storeHost", host(message.getStoreHost()));
        row.put("reconsumeTimes", message.getReconsumeTimes());
        row.put("preparedTransactionOffset", message.getPreparedTransactionOffset());
        row.put("offsetMsgId", offsetMsgId);
        row.put("msgId", msgId);
        row.put("bodyLength", body.length);
        row.put("bodySha256_8", digest(body));
        Map<String, String> properties = new TreeMap<>(message.getProperties());
        properties.remove(MessageConst.PROPERTY_MIN_OFFSET);
        properties.remove(MessageConst.PROPERTY_MAX_OFFSET);
        row.put("properties", properties);
        if (withBody) {
            row.put("body", Base64.getEncoder().encodeToString(body));
        }
        return row;
    }

    private static String host(Object address) {
        InetSocketAddress socket = (InetSocketAddress) address;
        return socket.getAddress().getHostAddress() + ":" + socket.getPort();
    }

    /** The first 8 bytes of the body's SHA-256, in hex. */
    private static String digest(byte[] body) throws Exception {
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(body);
        StringBuilder hex = new StringBuilder(16);
        for (int i = 0; i < 8; i++) {
            hex.append(String.format("%02x", hash[i]));
        }
        return hex.toString();
    }
}
