import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.streams.processor.TimestampExtractor;

/** A value of user-events: seconds since the epoch, and an amount that not all have. */
@JsonIgnoreProperties(ignoreUnknown = true)
record Event(
        @JsonProperty("user_id") String user,
        @JsonProperty("action") String action,
        @JsonProperty("timestamp") double seconds,
        @JsonProperty("value") Double value) {

    boolean hasValue() {
        return value != null;
    }

    long milliseconds() {
        return Math.round(seconds * 1000);
    }

    /** Event time is what the value says, not when the record was written. */
    static final class Time implements TimestampExtractor {
        @Override
        public long extract(ConsumerRecord<Object, Object> record, long partitionTime) {
            return ((Event) record.value()).milliseconds();
        }
    }
}
