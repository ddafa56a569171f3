package mqlite.interop;

import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONWriter;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.broker.filter.MessageEvaluationContext;
import org.apache.rocketmq.filter.expression.BooleanExpression;
import org.apache.rocketmq.filter.expression.ComparisonExpression;
import org.apache.rocketmq.filter.expression.MQFilterException;
import org.apache.rocketmq.filter.parser.SelectorParser;

/**
 * What RocketMQ's own SQL92 filter makes of expressions: reads one JSON string a line, prints one row of
 * test/fixtures/sql92-*truth.ndjson a line. Argument: the file of property maps, one a line.
 */
public final class SqlTruth {
    private SqlTruth() {
    }

    public static void main(String[] args) throws Exception {
        List<Map<String, String>> contexts = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of(args[0]))) {
            Map<String, String> context = new LinkedHashMap<>();
            JSON.parseObject(line).forEach((name, value) -> context.put(name, (String) value));
            contexts.add(context);
        }
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(JSON.toJSONString(row((String) JSON.parse(line), contexts), JSONWriter.Feature.WriteNulls));
        }
        out.flush();
    }

    private static Map<String, Object> row(String text, List<Map<String, String>> contexts) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("expr", text);
        Opened parser = new Opened(text);
        BooleanExpression expression;
        // As SelectorParser#parse(String) does, but on a parser that can be asked afterwards what it left unread.
        ComparisonExpression.CONVERT_STRING_EXPRESSIONS.set(true);
        try {
            expression = parser.parse();
        } catch (MQFilterException error) {
            row.put("compile", "error");
            return row;
        } finally {
            ComparisonExpression.CONVERT_STRING_EXPRESSIONS.remove();
        }
        row.put("compile", "ok");
        List<Object> results = new ArrayList<>();
        for (Map<String, String> context : contexts) {
            try {
                results.add(expression.evaluate(new MessageEvaluationContext(context)));
            } catch (Throwable error) {
                results.add("error");
            }
        }
        row.put("results", results);
        if (parser.hasMore()) {
            row.put("trailing", true);
        }
        return row;
    }

    private static final class Opened extends SelectorParser {
        private Opened(String text) {
            super(text);
        }

        @Override
        protected BooleanExpression parse() throws MQFilterException {
            return super.parse();
        }

        private boolean hasMore() {
            try {
                return getNextToken().kind != EOF;
            } catch (Throwable error) {
                return true;
            }
        }
    }
}
