import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.serialization.LongSerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.KeyValueIterator;

/**
 * Runs jobs through Kafka Streams: {@code Generate JOBS RESULTS}.
 *
 * <p>JOBS holds, for each job, a line with its windows and then a line [user, ms, value or null] for
 * each event. RESULTS gets, for each job, lines [what, event's index, user, start, end, count, sum]
 * (count and sum are null where a session has gone into a larger one), and at last ["end"]. What is
 * "u" for an update, "s" for what suppress let out, "c" for what the aggregation itself emitted at a
 * close; ["d", index, n] says that the dropped-records metric grew by n; ["w", user, start, end,
 * count, sum] is what the store holds at the end.
 */
public final class Generate {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final PrintWriter results;
    private int index;

    private Generate(PrintWriter results) {
        this.results = results;
    }

    public static void main(String[] arguments) throws IOException {
        try (BufferedReader jobs = Files.newBufferedReader(Path.of(arguments[0]));
                PrintWriter results = new PrintWriter(Files.newBufferedWriter(Path.of(arguments[1])))) {
            for (String line = jobs.readLine(); line != null; line = jobs.readLine()) {
                Job job = Job.of(JSON.readTree(line));
                List<JsonNode> events = new ArrayList<>();
                while (events.size() < job.events()) {
                    events.add(JSON.readTree(jobs.readLine()));
                }
                new Generate(results).run(job, events);
            }
            if (results.checkError()) {
                throw new IOException("cannot write " + arguments[1]);
            }
        }
    }

    private void run(Job job, List<JsonNode> events) {
        Set<String> users = new TreeSet<>();
        events.forEach(event -> users.add(event.get(0).asText()));
        Topology updates = Topologies.updates(job, sink("u"), sink("s"));
        try (TopologyTestDriver driver = new TopologyTestDriver(updates, settings())) {
            pipe(driver, events, true);
            stored(driver, job, users);
        }
        try (TopologyTestDriver driver = new TopologyTestDriver(Topologies.closed(job, sink("c")), settings())) {
            pipe(driver, events, false);
        }
        results.println("[\"end\"]");
    }

    private static Properties settings() {
        Properties settings = new Properties();
        settings.setProperty(StreamsConfig.APPLICATION_ID_CONFIG, "vectors");
        settings.setProperty(StreamsConfig.STATE_DIR_CONFIG, System.getProperty("java.io.tmpdir"));
        // Closed windows are to leave with the event that closes them: the default looks for them
        // once a second of the wall clock, which stands still here.
        settings.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_WINDOWED_AGGREGATION, 0L);
        return settings;
    }

    private void pipe(TopologyTestDriver driver, List<JsonNode> events, boolean noteDrops) {
        TestInputTopic<String, Long> input =
                driver.createInputTopic(Topologies.INPUT, new StringSerializer(), new LongSerializer());
        Metric dropped = dropped(driver);
        long before = 0;
        for (index = 0; index < events.size(); index++) {
            JsonNode event = events.get(index);
            Long value = event.get(2).isNull() ? null : event.get(2).asLong();
            input.pipeInput(event.get(0).asText(), value, event.get(1).asLong());
            long now = Math.round((Double) dropped.metricValue());
            if (noteDrops && now > before) {
                results.println("[\"d\"," + index + "," + (now - before) + "]");
            }
            before = now;
        }
    }

    private static Metric dropped(TopologyTestDriver driver) {
        return driver.metrics().values().stream()
                .filter(metric -> metric.metricName().name().equals("dropped-records-total"))
                .filter(metric -> metric.metricName().group().equals("stream-task-metrics"))
                .findFirst()
                .orElseThrow();
    }

    private Topologies.Sink sink(String what) {
        return (key, content) -> results.println("[\"" + what + "\"," + index + "," + line(key, content));
    }

    private static String line(Windowed<String> key, Content content) {
        String found = content == null ? "null,null" : content.count() + "," + content.sum();
        String window = key.window().start() + "," + key.window().end();
        return JSON.valueToTree(key.key()) + "," + window + "," + found + "]";
    }

    private void stored(TopologyTestDriver driver, Job job, Set<String> users) {
        if (!job.isSessions()) {
            try (var found = driver.<String, Content>getWindowStore(Topologies.STORE).all()) {
                store(found);
            }
            return;
        }
        for (String user : users) {
            try (var found = driver.<String, Content>getSessionStore(Topologies.STORE).fetch(user)) {
                store(found);
            }
        }
    }

    private void store(KeyValueIterator<Windowed<String>, Content> found) {
        while (found.hasNext()) {
            KeyValue<Windowed<String>, Content> next = found.next();
            results.println("[\"w\"," + line(next.key, next.value));
        }
    }
}
