import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What a window holds: how many events, and the sum of their values in millionths. */
record Content(long count, long sum) {
    static final Content NOTHING = new Content(0, 0);

    static Serde<Content> serde() {
        return Serdes.serdeFrom((topic, content) -> write(content), (topic, bytes) -> read(bytes));
    }

    /** With one more event; an event without a value counts, and adds nothing to the sum. */
    Content plus(Long value) {
        return new Content(count + 1, value == null ? sum : Math.addExact(sum, value));
    }

    Content plus(Content other) {
        return new Content(count + other.count, Math.addExact(sum, other.sum));
    }

    private static byte[] write(Content content) {
        if (content == null) {
            return null;
        }
        return ByteBuffer.allocate(2 * Long.BYTES).putLong(content.count).putLong(content.sum).array();
    }

    private static Content read(byte[] bytes) {
        if (bytes == null) {
            return null;
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return new Content(buffer.getLong(), buffer.getLong());
    }
}
