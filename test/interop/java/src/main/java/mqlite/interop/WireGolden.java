package mqlite.interop;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.lang.annotation.Annotation;
import java.lang.reflect.Field;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.AclUtils;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.common.UtilAll;
import org.apache.rocketmq.common.compression.CompressionType;
import org.apache.rocketmq.common.compression.CompressorFactory;
import org.apache.rocketmq.common.message.*;
import org.apache.rocketmq.common.sysflag.MessageSysFlag;
import org.apache.rocketmq.remoting.CommandCustomHeader;
import org.apache.rocketmq.remoting.protocol.*;
import org.apache.rocketmq.remoting.protocol.admin.*;
import org.apache.rocketmq.remoting.protocol.route.*;

/**
 * Prints what RocketMQ's own classes write on the wire, one JSON document a line; `headers`, `bodies`, `messages` or `signatures`. The texts' bytes are
 * hex. scripts/wire-golden.mjs keeps the output in test/golden/wire.
 */
public class WireGolden {
    private static final String HEADERS = "org.apache.rocketmq.remoting.protocol.header.";

    /** Code, request header or -, response header or -. */
    private static final String[] REQUESTS = {
        "10 SendMessageRequestHeader SendMessageResponseHeader", "310 SendMessageRequestHeaderV2 SendMessageResponseHeader", "320 SendMessageRequestHeaderV2 SendMessageResponseHeader",
        "324 SendMessageRequestHeader SendMessageResponseHeader", "325 SendMessageRequestHeaderV2 SendMessageResponseHeader", "326 ReplyMessageRequestHeader -",
        "370 RecallMessageRequestHeader RecallMessageResponseHeader", "11 PullMessageRequestHeader PullMessageResponseHeader", "36 ConsumerSendMsgBackRequestHeader -",
        "14 QueryConsumerOffsetRequestHeader QueryConsumerOffsetResponseHeader", "15 UpdateConsumerOffsetRequestHeader -", "30 GetMaxOffsetRequestHeader GetMaxOffsetResponseHeader",
        "31 GetMinOffsetRequestHeader GetMinOffsetResponseHeader", "29 SearchOffsetRequestHeader SearchOffsetResponseHeader",
        "32 GetEarliestMsgStoretimeRequestHeader GetEarliestMsgStoretimeResponseHeader", "33 ViewMessageRequestHeader -", "12 QueryMessageRequestHeader QueryMessageResponseHeader",
        "34 HeartbeatRequestHeader -", "35 UnregisterClientRequestHeader -", "38 GetConsumerListByGroupRequestHeader -", "40 NotifyConsumerIdsChangedRequestHeader -",
        "41 LockBatchMqRequestHeader -", "42 UnlockBatchMqRequestHeader -", "37 EndTransactionRequestHeader -", "39 CheckTransactionStateRequestHeader -",
        "105 namesrv.GetRouteInfoRequestHeader -", "216 namesrv.DeleteTopicFromNamesrvRequestHeader -", "224 GetTopicsByClusterRequestHeader -", "100 namesrv.PutKVConfigRequestHeader -",
        "101 namesrv.GetKVConfigRequestHeader namesrv.GetKVConfigResponseHeader", "102 namesrv.DeleteKVConfigRequestHeader -", "219 namesrv.GetKVListByNamespaceRequestHeader -",
        "17 CreateTopicRequestHeader -", "21 GetAllTopicConfigRequestHeader GetAllTopicConfigResponseHeader", "351 GetTopicConfigRequestHeader -", "215 DeleteTopicRequestHeader -",
        "202 GetTopicStatsInfoRequestHeader -", "300 QueryTopicConsumeByWhoRequestHeader -", "201 GetAllSubscriptionGroupRequestHeader GetAllSubscriptionGroupResponseHeader",
        "352 GetSubscriptionGroupConfigRequestHeader -", "207 DeleteSubscriptionGroupRequestHeader -", "203 GetConsumerConnectionListRequestHeader -",
        "204 GetProducerConnectionListRequestHeader -", "343 QueryTopicsByConsumerRequestHeader -", "345 QuerySubscriptionByConsumerRequestHeader -", "208 GetConsumeStatsRequestHeader -",
        "303 QueryConsumeTimeSpanRequestHeader -", "222 ResetOffsetRequestHeader -", "220 ResetOffsetRequestHeader -", "221 GetConsumerStatusRequestHeader -",
        "223 GetConsumerStatusRequestHeader -", "307 GetConsumerRunningInfoRequestHeader -", "309 ConsumeMessageDirectlyResultRequestHeader -", "26 - GetBrokerConfigResponseHeader",
        "315 ViewBrokerStatsDataRequestHeader -", "321 QueryConsumeQueueRequestHeader -",
    };

    private static final String[] BODIES = {
        "route.TopicRouteData", "body.ClusterInfo", "body.TopicList", "body.KVTable", "heartbeat.HeartbeatData", "body.CheckClientRequestBody", "header.GetConsumerListByGroupResponseBody",
        "body.LockBatchRequestBody", "body.LockBatchResponseBody", "body.UnlockBatchRequestBody", "body.TopicConfigAndMappingSerializeWrapper", "statictopic.TopicConfigAndQueueMapping",
        "admin.TopicStatsTable", "body.GroupList", "subscription.SubscriptionGroupConfig", "body.SubscriptionGroupWrapper", "body.ConsumerConnection", "body.ProducerConnection",
        "body.QuerySubscriptionResponseBody", "admin.ConsumeStats", "body.ConsumerOffsetSerializeWrapper", "body.QueryConsumeTimeSpanBody", "body.ResetOffsetBody", "body.ResetOffsetBodyForC",
        "body.GetConsumerStatusBody", "body.ConsumerRunningInfo", "body.ConsumeMessageDirectlyResult", "body.BrokerStatsData", "body.QueryConsumeQueueResponseBody",
        "org.apache.rocketmq.broker.schedule.DelayOffsetSerializeWrapper",
    };

    public static void main(String[] args) throws Exception {
        System.setProperty("rocketmq.client.logUseSlf4j", "true");
        switch (args[0]) {
            case "headers": headers(); break;
            case "bodies": bodies(); break;
            case "messages": messages(); break;
            case "signatures": signatures(); break;
            default: throw new IllegalArgumentException(args[0]);
        }
    }

    private static void headers() throws Exception {
        for (String line : REQUESTS) {
            String[] parts = line.split(" ");
            int code = Integer.parseInt(parts[0]);
            for (int side = 1; side <= 2; side++) {
                if (parts[side].equals("-")) continue;
                Class<?> type = Class.forName(HEADERS + parts[side]);
                for (SerializeType serializeType : SerializeType.values()) header(code, type, side == 2, serializeType);
            }
        }
    }

    /** One with a value in every field. */
    private static void header(int code, Class<?> type, boolean isResponse, SerializeType serializeType) throws Exception {
        CommandCustomHeader header = (CommandCustomHeader) new BeanSamples().fill(type);
        StringJoiner fields = new StringJoiner(",", "{", "}");
        StringJoiner required = new StringJoiner(",", "[", "]");
        for (Field field : BeanSamples.fieldsOf(type)) {
            fields.add(BeanSamples.quote(field.getName()) + ":" + BeanSamples.quote(String.valueOf(field.get(header))));
            for (Annotation annotation : field.getAnnotations()) {
                if (annotation.annotationType().getSimpleName().equals("CFNotNull")) required.add(BeanSamples.quote(field.getName()));
            }
        }
        RemotingCommand command = isResponse ? RemotingCommand.createResponseCommandWithHeader(0, header) : RemotingCommand.createRequestCommand(code, header);
        command.setVersion(513);
        command.setOpaque(isResponse ? -7 : 1_000_000 + code);
        command.setSerializeTypeCurrentRPC(serializeType);
        if (isResponse) command.setRemark("FOUND \u00e9\u4e2d \"q\"");
        byte[] body = code % 2 == 0 ? "body\u00e9".getBytes(StandardCharsets.UTF_8) : null;
        command.setBody(body);
        System.out.println("{\"code\":" + code + ",\"isResponse\":" + isResponse + ",\"header\":\"" + type.getSimpleName() + "\",\"serializeType\":\"" + serializeType + "\",\"required\":" + required
            + ",\"fields\":" + fields + ",\"body\":" + (body == null ? "null" : "\"" + BeanSamples.hex(body) + "\"") + ",\"hex\":\"" + BeanSamples.hex(frame(command)) + "\"}");
    }

    /** As NettyEncoder writes it. */
    private static byte[] frame(RemotingCommand command) {
        ByteBuf out = Unpooled.buffer();
        command.fastEncodeHeader(out);
        if (command.getBody() != null) out.writeBytes(command.getBody());
        byte[] bytes = new byte[out.readableBytes()];
        out.readBytes(bytes);
        return bytes;
    }

    private static void bodies() throws Exception {
        for (String name : BODIES) body(name, new BeanSamples().fill(Class.forName(name.startsWith("org.") ? name : "org.apache.rocketmq.remoting.protocol." + name)));
        // One object at two places: fastjson 1 prints a reference for the second.
        ConsumeStats stats = new ConsumeStats();
        OffsetWrapper shared = new OffsetWrapper();
        shared.setBrokerOffset(7);
        for (int id = 0; id < 3; id++) stats.getOffsetTable().put(new MessageQueue("T", "b", id), shared);
        body("shared ConsumeStats", stats);
        TopicRouteData route = new TopicRouteData();
        BrokerData broker = new BrokerData("c", "b", new HashMap<>(Map.of(0L, "127.0.0.1:10911")));
        route.setBrokerDatas(new ArrayList<>(List.of(broker, broker)));
        route.setQueueDatas(new ArrayList<>());
        route.setFilterServerTable(new HashMap<>());
        body("shared TopicRouteData", route);
        body("empty TopicRouteData", new TopicRouteData());
        body("empty ConsumeStats", new ConsumeStats());
    }

    private static void body(String name, Object bean) throws Exception {
        System.out.println("{\"name\":\"" + name.substring(name.lastIndexOf('.') + 1) + "\",\"expect\":" + BeanSamples.json(bean) + ",\"hex\":\"" + BeanSamples.hex(RemotingSerializable.encode(bean)) + "\"}");
    }

    private static void messages() throws Exception {
        List<Message> batch = new ArrayList<>();
        for (int index = 0; index < 3; index++) {
            Message message = new Message("Orders", "Tag" + index, "k\u00e9y" + index, ("batch body " + index + " \u4e2d").getBytes(StandardCharsets.UTF_8));
            message.setFlag(index - 1);
            message.putUserProperty("p", "v" + index);
            batch.add(message);
        }
        StringJoiner units = new StringJoiner(",", "[", "]");
        for (Message message : batch) {
            units.add("{\"flag\":" + message.getFlag() + ",\"body\":\"" + BeanSamples.hex(message.getBody()) + "\",\"properties\":" + BeanSamples.quote(MessageDecoder.messageProperties2String(message.getProperties())) + "}");
        }
        System.out.println("{\"kind\":\"batch\",\"units\":" + units + ",\"hex\":\"" + BeanSamples.hex(MessageDecoder.encodeMessages(batch)) + "\"}");

        StringJoiner records = new StringJoiner(",", "[", "]");
        StringBuilder stream = new StringBuilder();
        String[] hosts = {"10.0.0.1", "fe80::1"};
        for (CompressionType type : new CompressionType[] {null, CompressionType.ZLIB, CompressionType.LZ4, CompressionType.ZSTD}) {
            for (String host : hosts) {
                MessageExt message = stored(type, host, records.length());
                stream.append(BeanSamples.hex(MessageDecoder.encode(message, false)));
                records.add(describe(message, type));
            }
        }
        System.out.println("{\"kind\":\"stream\",\"records\":" + records + ",\"hex\":\"" + stream + "\"}");
    }

    private static MessageExt stored(CompressionType type, String host, int seed) throws Exception {
        MessageExt message = new MessageExt();
        message.setTopic("Orders");
        byte[] body = ("stored body " + seed + " \u4e2d ").repeat(20).getBytes(StandardCharsets.UTF_8);
        int sysFlag = host.contains(":") ? MessageSysFlag.BORNHOST_V6_FLAG | MessageSysFlag.STOREHOSTADDRESS_V6_FLAG : 0;
        if (type != null) {
            body = CompressorFactory.getCompressor(type).compress(body, 5);
            sysFlag |= MessageSysFlag.COMPRESSED_FLAG | type.getCompressionFlag();
        }
        message.setBody(body);
        message.setBodyCRC(UtilAll.crc32(body));
        message.setSysFlag(sysFlag);
        message.setQueueId(3);
        message.setFlag(5);
        message.setQueueOffset(1_000_000_000_000L + seed);
        message.setCommitLogOffset(2_000_000_000_000L + seed);
        message.setBornTimestamp(1_700_000_000_000L);
        message.setBornHost(new InetSocketAddress(host, 4711));
        message.setStoreTimestamp(1_700_000_000_001L);
        message.setStoreHost(new InetSocketAddress(host, 10911));
        message.setReconsumeTimes(2);
        message.setPreparedTransactionOffset(9);
        message.setTags("TagA");
        message.setKeys("k1 k2");
        MessageAccessor.putProperty(message, "UNIQ_KEY", "7F000001000018B4AAC2000000000" + String.format("%03X", seed % 4096));
        return message;
    }

    private static String describe(MessageExt message, CompressionType type) throws Exception {
        byte[] body = type == null ? message.getBody() : CompressorFactory.getCompressor(type).decompress(message.getBody());
        return "{\"topic\":\"Orders\",\"queueId\":3,\"flag\":5,\"queueOffset\":" + message.getQueueOffset() + ",\"commitLogOffset\":" + message.getCommitLogOffset() + ",\"sysFlag\":" + message.getSysFlag()
            + ",\"reconsumeTimes\":2,\"preparedTransactionOffset\":9,\"msgId\":\"" + message.getProperty("UNIQ_KEY") + "\",\"tags\":\"TagA\",\"body\":\"" + BeanSamples.hex(body) + "\"}";
    }

    private static void signatures() throws Exception {
        String[][] cases = {
            {"{}", ""}, {"topic=Orders,queueId=3,Zed=z,alpha=a", ""}, {"topic=Orders", "the body \u4e2d"}, {"a=\u00e9,A=\u4e2d,_=\ud83d\ude00,0=zero", "x"},
            {"key=k,_UNIQUE_KEY_QUERY=true,topic=T", ""},
        };
        for (String token : new String[] {null, "token/1"}) {
            for (String[] one : cases) {
                RemotingCommand command = RemotingCommand.createRequestCommand(310, null);
                command.setVersion(513);
                HashMap<String, String> fields = new HashMap<>();
                if (!one[0].equals("{}")) for (String pair : one[0].split(",")) fields.put(pair.split("=")[0], pair.split("=")[1]);
                command.setExtFields(new HashMap<>(fields));
                if (!one[1].isEmpty()) command.setBody(one[1].getBytes(StandardCharsets.UTF_8));
                new AclClientRPCHook(token == null ? new SessionCredentials("user\u00e9", "secret \u4e2d") : new SessionCredentials("user\u00e9", "secret \u4e2d", token)).doBeforeRequest("127.0.0.1:1", command);
                byte[] content = AclUtils.combineRequestContent(command, new TreeMap<>(command.getExtFields()));
                System.out.println("{\"fields\":" + BeanSamples.json(fields) + ",\"token\":" + (token == null ? "null" : BeanSamples.quote(token)) + ",\"body\":" + BeanSamples.quote(one[1])
                    + ",\"content\":\"" + BeanSamples.hex(content) + "\",\"signed\":" + BeanSamples.json(command.getExtFields()) + "}");
            }
        }
    }
}
