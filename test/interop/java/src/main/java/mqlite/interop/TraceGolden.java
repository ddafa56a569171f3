package mqlite.interop;

import com.alibaba.fastjson2.JSON;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.AccessChannel;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.trace.TraceBean;
import org.apache.rocketmq.client.trace.TraceContext;
import org.apache.rocketmq.client.trace.TraceDataEncoder;
import org.apache.rocketmq.client.trace.TraceTransferBean;
import org.apache.rocketmq.client.trace.TraceType;
import org.apache.rocketmq.common.message.MessageType;

/** Prints, one JSON document a line, what the client's encoder makes of a trace of each kind: {"kind","keys":[…],"body"}. */
public final class TraceGolden {
    private TraceGolden() {
    }

    public static void main(String[] args) {
        for (TraceType type : TraceType.values()) {
            print(type, true);
            print(type, false);
        }
    }

    private static void print(TraceType type, boolean success) {
        TraceContext context = new TraceContext();
        context.setTraceType(type);
        context.setTimeStamp(1795418257748L);
        context.setRegionId("DefaultRegion");
        context.setGroupName("payers");
        context.setRequestId("AC11000200002A9F0000000000000007");
        context.setCostTime(86);
        context.setAccessChannel(AccessChannel.LOCAL);
        context.setSuccess(success);
        context.setContextCode(success ? 0 : 4);
        TraceBean bean = new TraceBean();
        bean.setTopic("Orders");
        bean.setMsgId("AC1100020B5D30946E09000000000001");
        if (success) {
            bean.setOffsetMsgId("7F00000100002A9F0000000000000000");
            bean.setTags("paid");
            bean.setKeys("order-17 客户");
        }
        bean.setStoreHost("127.0.0.2:10911");
        bean.setBodyLength(12);
        bean.setRetryTimes(success ? 0 : 3);
        bean.setMsgType(success ? MessageType.Trans_Msg_Half : MessageType.Delay_Msg);
        bean.setTransactionId("AC1100020B5D30946E09000000000001");
        bean.setTransactionState(success ? LocalTransactionState.COMMIT_MESSAGE : LocalTransactionState.UNKNOW);
        bean.setFromTransactionCheck(!success);
        context.setTraceBeans(List.of(bean));
        TraceTransferBean encoded = TraceDataEncoder.encoderFromContextBean(context);
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("kind", type.name());
        row.put("keys", encoded.getTransKey().stream().sorted().toList());
        row.put("body", encoded.getTransData());
        System.out.println(JSON.toJSONString(row));
    }
}
