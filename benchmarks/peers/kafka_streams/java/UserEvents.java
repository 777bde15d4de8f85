import static org.apache.kafka.streams.StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_WINDOWED_AGGREGATION;

import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;

/**
 * Every computation over user events, until SIGTERM: {@code UserEvents BROKER INPUT APPLICATION_ID
 * STATE_DIR}. Output topics are called APPLICATION_ID-NAME. Its last line is the volume of the
 * changelogs.
 */
public final class UserEvents {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final long YEARS_MS = Duration.ofDays(3650).toMillis();

    private UserEvents() {}

    public static void main(String[] arguments) {
        String application = arguments[2];
        KafkaStreams streams =
                new KafkaStreams(Computations.over(arguments[1], application + "-"), settings(arguments));
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
            return null;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close(PATIENCE);
            System.out.println(Volume.report());
        }));
        streams.start();
    }

    private static Properties settings(String[] arguments) {
        Properties settings = new Properties();
        settings.setProperty(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        settings.setProperty(StreamsConfig.APPLICATION_ID_CONFIG, arguments[2]);
        settings.setProperty(StreamsConfig.STATE_DIR_CONFIG, arguments[3]);
        settings.setProperty(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        // The data is of years ago: by default the broker would delete the changelogs of windows.
        settings.put(StreamsConfig.WINDOW_STORE_CHANGE_LOG_ADDITIONAL_RETENTION_MS_CONFIG, YEARS_MS);
        settings.setProperty(
                StreamsConfig.producerPrefix(ProducerConfig.INTERCEPTOR_CLASSES_CONFIG), Volume.class.getName());
        // For tests: a backlog so short that it would be over before Kafka Streams, which does so once
        // a second, looks for closed windows.
        settings.put(EMIT_INTERVAL_MS_KSTREAMS_WINDOWED_AGGREGATION, Long.getLong("emit.interval.ms", 1000));
        return settings;
    }
}
