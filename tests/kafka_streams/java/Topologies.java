import java.time.Duration;
import java.util.function.BiConsumer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.SlidingWindows;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.Suppressed.BufferConfig;
import org.apache.kafka.streams.kstream.TimeWindowedKStream;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/** The topologies of a job: every update with suppress beside it, or the results of closed windows. */
final class Topologies {
    static final String INPUT = "events";
    static final String STORE = "windows";

    interface Sink extends BiConsumer<Windowed<String>, Content> {}

    private Topologies() {}

    /** Updates as they happen go to one sink, what suppress lets out to another. */
    static Topology updates(Job job, Sink updated, Sink suppressed) {
        StreamsBuilder builder = new StreamsBuilder();
        KTable<Windowed<String>, Content> table = aggregate(builder, job, EmitStrategy.onWindowUpdate());
        table.toStream().foreach(updated::accept);
        table.suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded().withLoggingDisabled()))
                .toStream()
                .foreach(suppressed::accept);
        return builder.build();
    }

    /** Each window when the aggregation itself holds it for closed. */
    static Topology closed(Job job, Sink closed) {
        StreamsBuilder builder = new StreamsBuilder();
        aggregate(builder, job, EmitStrategy.onWindowClose()).toStream().foreach(closed::accept);
        return builder.build();
    }

    private static KTable<Windowed<String>, Content> aggregate(
            StreamsBuilder builder, Job job, EmitStrategy strategy) {
        KGroupedStream<String, Long> events = builder
                .stream(INPUT, Consumed.with(Serdes.String(), Serdes.Long()))
                .groupByKey(Grouped.with(Serdes.String(), Serdes.Long()));
        if (job.isSessions()) {
            return sessions(events, job, strategy);
        }
        TimeWindowedKStream<String, Long> windows =
                job.isSliding() ? events.windowedBy(slidingWindows(job)) : events.windowedBy(timeWindows(job));
        Materialized<String, Content, WindowStore<Bytes, byte[]>> store =
                Materialized.as(Stores.inMemoryWindowStore(STORE, job.retentionTime(), job.length(), false));
        return windows.emitStrategy(strategy)
                .aggregate(() -> Content.NOTHING, (user, value, content) -> content.plus(value), plain(store));
    }

    private static TimeWindows timeWindows(Job job) {
        TimeWindows windows = job.grace() == 0
                ? TimeWindows.ofSizeWithNoGrace(job.length())
                : TimeWindows.ofSizeAndGrace(job.length(), job.graceTime());
        return windows.advanceBy(Duration.ofMillis(job.step()));
    }

    private static SlidingWindows slidingWindows(Job job) {
        return job.grace() == 0
                ? SlidingWindows.ofTimeDifferenceWithNoGrace(job.length())
                : SlidingWindows.ofTimeDifferenceAndGrace(job.length(), job.graceTime());
    }

    private static SessionWindows sessionWindows(Job job) {
        return job.grace() == 0
                ? SessionWindows.ofInactivityGapWithNoGrace(job.length())
                : SessionWindows.ofInactivityGapAndGrace(job.length(), job.graceTime());
    }

    private static KTable<Windowed<String>, Content> sessions(
            KGroupedStream<String, Long> events, Job job, EmitStrategy strategy) {
        Materialized<String, Content, SessionStore<Bytes, byte[]>> store =
                Materialized.as(Stores.inMemorySessionStore(STORE, job.retentionTime()));
        return events.windowedBy(sessionWindows(job))
                .emitStrategy(strategy)
                .aggregate(
                        () -> Content.NOTHING,
                        (user, value, content) -> content.plus(value),
                        (user, one, other) -> one.plus(other),
                        plain(store));
    }

    private static <S extends StateStore> Materialized<String, Content, S> plain(
            Materialized<String, Content, S> store) {
        return store.withKeySerde(Serdes.String())
                .withValueSerde(Content.serde())
                .withLoggingDisabled()
                .withCachingDisabled();
    }
}
