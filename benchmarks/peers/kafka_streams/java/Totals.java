import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** Events by action; as bytes for each: length of the name (4), the name, the count (8). */
record Totals(Map<String, Long> actions) {
    static Totals nothing() {
        return new Totals(new LinkedHashMap<>());
    }

    static Serde<Totals> serde() {
        return Serdes.serdeFrom((topic, totals) -> write(totals), (topic, bytes) -> read(bytes));
    }

    /** Itself, with one more event: each is read from bytes of its own, none is shared. */
    Totals plus(Event event) {
        actions.merge(event.action(), 1L, Long::sum);
        return this;
    }

    private static byte[] write(Totals totals) {
        if (totals == null) {
            return null;
        }
        Map<byte[], Long> named = new LinkedHashMap<>();
        totals.actions.forEach((name, count) -> named.put(name.getBytes(StandardCharsets.UTF_8), count));
        int size = named.keySet().stream().mapToInt(name -> Integer.BYTES + name.length + Long.BYTES).sum();
        ByteBuffer buffer = ByteBuffer.allocate(size);
        named.forEach((name, count) -> buffer.putInt(name.length).put(name).putLong(count));
        return buffer.array();
    }

    private static Totals read(byte[] bytes) {
        if (bytes == null) {
            return null;
        }
        Totals totals = nothing();
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            byte[] name = new byte[buffer.getInt()];
            buffer.get(name);
            totals.actions.put(new String(name, StandardCharsets.UTF_8), buffer.getLong());
        }
        return totals;
    }
}
