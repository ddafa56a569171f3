package mqlite.interop;

import io.netty.buffer.Unpooled;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.remoting.CommandCustomHeader;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RemotingSerializable;

/**
 * Reads bytes of the wire with RocketMQ's own classes. A line of input is a kind (header, body, batch, properties), the class or -, and the bytes as hex;
 * a line of output is what was read, as JSON, or {"error"}.
 */
public class WireRead {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split(" ");
            String answer;
            try {
                answer = read(parts[0], parts[1], bytes(parts[2]));
            } catch (Throwable error) {
                answer = "{\"error\":" + BeanSamples.quote(String.valueOf(error)) + "}";
            }
            // Loggers print to standard output too.
            System.out.println("\n{\"read\":" + answer + "}");
        }
    }

    @SuppressWarnings("unchecked")
    private static String read(String kind, String name, byte[] bytes) throws Exception {
        switch (kind) {
            case "header": {
                RemotingCommand command = RemotingCommand.decode(Unpooled.wrappedBuffer(bytes, 4, bytes.length - 4));
                CommandCustomHeader header = command.decodeCommandCustomHeaderDirectly((Class<? extends CommandCustomHeader>) find(name), true);
                StringJoiner fields = new StringJoiner(",", "{", "}");
                for (Field field : BeanSamples.fieldsOf(header.getClass())) fields.add(BeanSamples.quote(field.getName()) + ":" + BeanSamples.quote(String.valueOf(field.get(header))));
                return "{\"code\":" + command.getCode() + ",\"opaque\":" + command.getOpaque() + ",\"flag\":" + command.getFlag() + ",\"version\":" + command.getVersion()
                    + ",\"language\":\"" + command.getLanguage() + "\",\"remark\":" + BeanSamples.json(command.getRemark()) + ",\"body\":"
                    + (command.getBody() == null ? "null" : "\"" + BeanSamples.hex(command.getBody()) + "\"") + ",\"fields\":" + fields + "}";
            }
            case "body": return BeanSamples.json(RemotingSerializable.decode(bytes, find(name)));
            case "batch": {
                StringJoiner units = new StringJoiner(",", "[", "]");
                for (Message message : MessageDecoder.decodeMessages(ByteBuffer.wrap(bytes))) {
                    units.add("{\"flag\":" + message.getFlag() + ",\"body\":\"" + BeanSamples.hex(message.getBody()) + "\",\"properties\":" + BeanSamples.json(message.getProperties()) + "}");
                }
                return units.toString();
            }
            case "properties": {
                Map<String, String> map = new TreeMap<>();
                Properties properties = MixAll.string2Properties(new String(bytes, StandardCharsets.UTF_8));
                for (String key : properties.stringPropertyNames()) map.put(key, properties.getProperty(key));
                return BeanSamples.json(map);
            }
            default: throw new IllegalArgumentException(kind);
        }
    }

    private static Class<?> find(String name) throws ClassNotFoundException {
        String protocol = "org.apache.rocketmq.remoting.protocol.";
        String[] packages = {"header", "header.namesrv", "body", "route", "heartbeat", "admin", "subscription", "statictopic"};
        for (String one : packages) {
            try {
                return Class.forName(protocol + one + "." + name);
            } catch (ClassNotFoundException elsewhere) {
                continue;
            }
        }
        return Class.forName("org.apache.rocketmq.broker.schedule." + name);
    }

    private static byte[] bytes(String hex) {
        byte[] bytes = new byte[hex.length() / 2];
        for (int at = 0; at < bytes.length; at++) bytes[at] = (byte) Integer.parseInt(hex.substring(2 * at, 2 * at + 2), 16);
        return bytes;
    }
}
