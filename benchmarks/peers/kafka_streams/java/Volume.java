import java.util.Map;
import org.apache.kafka.clients.producer.ProducerInterceptor;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/** Counts what goes to the changelogs: records, and the bytes of their keys and values. */
public final class Volume implements ProducerInterceptor<byte[], byte[]> {
    // One stream thread, one producer: nobody else counts. Read after it has ended.
    private static volatile long records;
    private static volatile long bytes;

    private long counted;
    private long measured;

    @Override
    public ProducerRecord<byte[], byte[]> onSend(ProducerRecord<byte[], byte[]> record) {
        if (record.topic().endsWith("-changelog")) {
            counted++;
            measured += length(record.key()) + length(record.value());
        }
        return record;
    }

    private static int length(byte[] data) {
        return data == null ? 0 : data.length;
    }

    @Override
    public void onAcknowledgement(RecordMetadata metadata, Exception exception) {}

    @Override
    public void close() {
        records = counted;
        bytes = measured;
    }

    @Override
    public void configure(Map<String, ?> configs) {}

    static String report() {
        return "changelog: " + records + " records, " + bytes + " bytes";
    }
}
