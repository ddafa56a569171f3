package mqlite.interop;

import java.util.*;
import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.rebalance.*;
import org.apache.rocketmq.common.message.MessageQueue;

/** Prints, one JSON document a line, what the client's strategies give to each member: {"strategy","queues","members","owned":[[queue ids] per member]}. */
public class AllocateGolden {
    public static void main(String[] args) {
        int[][] cases = {{4, 1}, {4, 2}, {4, 3}, {4, 4}, {4, 5}, {1, 3}, {8, 3}, {10, 4}, {16, 5}, {17, 4}, {64, 7}, {3, 8}};
        AllocateMessageQueueStrategy[] strategies = {new AllocateMessageQueueAveragely(), new AllocateMessageQueueAveragelyByCircle(), new AllocateMessageQueueConsistentHash()};
        for (AllocateMessageQueueStrategy strategy : strategies) {
            for (int[] sizes : cases) {
                List<MessageQueue> queues = new ArrayList<>();
                for (int id = 0; id < sizes[0]; id++) queues.add(new MessageQueue("Orders", "broker-a", id));
                List<String> members = new ArrayList<>();
                for (int member = 0; member < sizes[1]; member++) members.add("127.0.0.1@" + (4700 + member * 37) + "#" + Integer.toHexString(member * 7919 + 11));
                Collections.sort(members);
                StringBuilder out = new StringBuilder("{\"strategy\":\"" + strategy.getClass().getSimpleName() + "\",\"queues\":" + sizes[0] + ",\"members\":[");
                for (int i = 0; i < members.size(); i++) out.append(i == 0 ? "\"" : ",\"").append(members.get(i)).append('"');
                out.append("],\"owned\":[");
                for (int i = 0; i < members.size(); i++) {
                    out.append(i == 0 ? "[" : ",[");
                    List<MessageQueue> owned = strategy.allocate("group", members.get(i), queues, members);
                    for (int j = 0; j < owned.size(); j++) out.append(j == 0 ? "" : ",").append(owned.get(j).getQueueId());
                    out.append(']');
                }
                System.out.println(out.append("]}"));
            }
        }
    }
}
