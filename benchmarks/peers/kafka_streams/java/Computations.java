import java.time.Duration;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.SlidingWindows;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/** What streamjoin keeps of user-events, in the DSL: the same sizes, grace and retention. */
final class Computations {
    private static final Duration GRACE = Duration.ofSeconds(60);
    private static final Duration KEPT = Duration.ofHours(1);
    private static final Duration TUMBLING = Duration.ofMinutes(5);
    private static final Duration HOPPING = Duration.ofMinutes(10);
    private static final Duration STEP = Duration.ofMinutes(2);
    private static final Duration SLIDING = Duration.ofMinutes(10);
    private static final Duration GAP = Duration.ofMinutes(30);

    private final StreamsBuilder builder = new StreamsBuilder();
    private final Serde<Event> json = Json.of(Event.class);
    private final String prefix;

    private Computations(String prefix) {
        this.prefix = prefix;
    }

    /** Reads `input`; output topics are called `prefix` and the name that streamjoin has for them. */
    static Topology over(String input, String prefix) {
        Computations computations = new Computations(prefix);
        KStream<String, Event> events = computations.builder.stream(
                input,
                Consumed.with(Serdes.String(), computations.json).withTimestampExtractor(new Event.Time()));
        KGroupedStream<String, Event> users = computations.byUser(events);
        computations.counts(users);
        computations.hopping(users);
        computations.averages(computations.byUser(events.filter((user, event) -> event.hasValue())));
        computations.sessions(users);
        computations.totals(users);
        computations.everybody(events);
        return computations.builder.build();
    }

    private KGroupedStream<String, Event> byUser(KStream<String, Event> events) {
        return events.groupByKey(Grouped.with(Serdes.String(), json));
    }

    private void counts(KGroupedStream<String, Event> users) {
        Materialized<String, Long, WindowStore<Bytes, byte[]>> store = store("counts", Serdes.Long());
        users.windowedBy(TimeWindows.ofSizeAndGrace(TUMBLING, GRACE))
                .count(store.withRetention(TUMBLING.plus(GRACE).plus(KEPT)))
                .toStream()
                .map((key, count) -> KeyValue.pair(key.key() + "@" + key.window().start(), count))
                .to(prefix + "event-counts-per-5min", Produced.with(Serdes.String(), Json.integer()));
    }

    private void hopping(KGroupedStream<String, Event> users) {
        Materialized<String, Long, WindowStore<Bytes, byte[]>> store = store("hopping", Serdes.Long());
        users.windowedBy(TimeWindows.ofSizeAndGrace(HOPPING, GRACE).advanceBy(STEP))
                .count(store.withRetention(HOPPING.plus(GRACE).plus(KEPT)));
    }

    /** Kafka Streams also has windows that start just after an event: only those that end at one go out. */
    private void averages(KGroupedStream<String, Event> users) {
        Materialized<String, Mean, WindowStore<Bytes, byte[]>> store = store("averages", Mean.serde());
        users.windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(SLIDING, GRACE))
                .emitStrategy(EmitStrategy.onWindowClose())
                .aggregate(
                        () -> Mean.NOTHING,
                        (user, event, mean) -> mean.plus(event),
                        store.withRetention(SLIDING.multipliedBy(2).plus(GRACE).plus(KEPT)))
                .toStream()
                .filter((key, mean) -> mean.last() == key.window().end())
                .map((key, mean) -> KeyValue.pair(key.key(), Average.of(key, mean)))
                .to(prefix + "moving-averages", Produced.with(Serdes.String(), Json.of(Average.class)));
    }

    private void sessions(KGroupedStream<String, Event> users) {
        Materialized<String, Long, SessionStore<Bytes, byte[]>> store = store("sessions", Serdes.Long());
        users.windowedBy(SessionWindows.ofInactivityGapAndGrace(GAP, GRACE))
                .emitStrategy(EmitStrategy.onWindowClose())
                .count(store.withRetention(GAP.plus(GRACE).plus(KEPT)))
                .toStream()
                .map((key, count) -> KeyValue.pair(key.key(), Session.of(key, count)))
                .to(prefix + "user-sessions", Produced.with(Serdes.String(), Json.of(Session.class)));
    }

    private void totals(KGroupedStream<String, Event> users) {
        users.aggregate(Totals::nothing, (user, event, totals) -> totals.plus(event), store("totals", Totals.serde()));
    }

    private void everybody(KStream<String, Event> events) {
        builder.addStateStore(Stores.keyValueStoreBuilder(
                        Stores.persistentKeyValueStore(Everybody.STORE), Serdes.String(), Totals.serde())
                .withCachingEnabled());
        events.process(Everybody::new, Everybody.STORE);
    }

    private static <V, S extends StateStore> Materialized<String, V, S> store(String name, Serde<V> values) {
        return Materialized.<String, V, S>as(name).withKeySerde(Serdes.String()).withValueSerde(values);
    }
}
