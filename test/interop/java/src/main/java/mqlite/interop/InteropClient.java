package mqlite.interop;

import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONObject;
import com.alibaba.fastjson2.JSONWriter;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The official Java client behind JSON lines, so that one JVM serves a whole test run.
 *
 * <p>A request is {@code {"id":1,"op":"pullAll","session":"s1",…}}, its answer {@code {"id":1,"ok":true,"result":…}} or
 * {@code {"id":1,"ok":false,"error":"…"}}. Requests are served one after the other. {@code open} makes a session for one
 * broker, {@code close} ends it; end of input ends the process. Everything but answers goes to standard error.
 */
public final class InteropClient {
    private final Map<String, Session> sessions = new HashMap<>();

    private InteropClient() {
    }

    public static void main(String[] args) throws Exception {
        PrintStream answers = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        System.setOut(System.err);
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        InteropClient client = new InteropClient();
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            answers.println(JSON.toJSONString(client.answer(line), JSONWriter.Feature.WriteMapNullValue));
            answers.flush();
        }
        System.exit(0);
    }

    private Map<String, Object> answer(String line) {
        Map<String, Object> answer = new LinkedHashMap<>();
        try {
            JSONObject request = JSON.parseObject(line);
            answer.put("id", request.get("id"));
            Object result = serve(request);
            answer.put("ok", true);
            answer.put("result", result);
        } catch (Throwable error) {
            error.printStackTrace();
            answer.put("ok", false);
            answer.put("error", error.toString());
        }
        return answer;
    }

    private Object serve(JSONObject request) throws Exception {
        String op = request.getString("op");
        String name = request.getString("session");
        if (op.equals("open")) {
            sessions.put(name, new Session(name, request.getString("namesrv"), request.getString("broker")));
            return null;
        }
        Session session = sessions.get(name);
        if (session == null) {
            throw new IllegalArgumentException("no session " + name);
        }
        return switch (op) {
            case "close" -> {
                sessions.remove(name).close();
                yield null;
            }
            case "send" -> new Producing(session).send(request);
            case "transaction" -> new Producing(session).transaction(request);
            case "answerChecks" -> new Producing(session).answerChecks(request);
            case "request" -> new Requesting(session).request(request);
            case "reply" -> new Requesting(session).reply(request);
            case "recall" -> new Requesting(session).recall(request);
            case "consume" -> new Consuming(session).consume(request);
            case "join" -> Members.join(session, request);
            case "memberState" -> Members.state(request);
            case "resetByTime" -> Members.resetByTime(session, request);
            case "leave" -> Members.leave(request);
            case "committed" -> new Consuming(session).committed(request.getString("group"), request.getString("topic"));
            case "commit" -> new Consuming(session).commit(request);
            case "pullAll" -> new Reading(session).pullAll(request.getList("topics", String.class));
            case "places" -> new Reading(session).places(request.getString("topic"));
            case "pullOne" -> new Reading(session).pullOne(request);
            case "view" -> new Reading(session).view(request.getString("offsetMsgId"));
            case "findByKey" -> new Reading(session).findByKey(request.getString("topic"), request.getString("key"));
            case "findByUniqueKey" -> new Reading(session).findByUniqueKey(request.getString("topic"), request.getString("key"));
            case "topics" -> session.topics();
            case "queues" -> session.queues(request.getString("topic"));
            case "createTopic" -> session.createTopic(request);
            case "deleteTopic" -> session.deleteTopic(request.getString("topic"));
            default -> throw new IllegalArgumentException("unknown op " + op);
        };
    }
}
