import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What a sliding window holds: how many values, their sum, and the time of the last event. */
record Mean(long count, double sum, long last) {
    static final Mean NOTHING = new Mean(0, 0, Long.MIN_VALUE);

    static Serde<Mean> serde() {
        return Serdes.serdeFrom((topic, mean) -> write(mean), (topic, bytes) -> read(bytes));
    }

    Mean plus(Event event) {
        return new Mean(count + 1, sum + event.value(), Math.max(last, event.milliseconds()));
    }

    private static byte[] write(Mean mean) {
        if (mean == null) {
            return null;
        }
        ByteBuffer buffer = ByteBuffer.allocate(3 * Long.BYTES);
        return buffer.putLong(mean.count).putDouble(mean.sum).putLong(mean.last).array();
    }

    private static Mean read(byte[] bytes) {
        if (bytes == null) {
            return null;
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return new Mean(buffer.getLong(), buffer.getDouble(), buffer.getLong());
    }
}
