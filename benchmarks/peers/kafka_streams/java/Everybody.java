import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Totals over all users: one row in each partition, added up by who asks. The DSL has only a
 * repartition for it, which would write and read every event once more.
 */
final class Everybody extends ContextualProcessor<String, Event, Void, Void> {
    static final String STORE = "everybody";
    static final String KEY = "";

    private KeyValueStore<String, Totals> rows;

    @Override
    public void init(ProcessorContext<Void, Void> context) {
        super.init(context);
        rows = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<String, Event> event) {
        Totals totals = rows.get(KEY);
        rows.put(KEY, (totals == null ? Totals.nothing() : totals).plus(event.value()));
    }
}
