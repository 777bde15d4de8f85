import com.fasterxml.jackson.annotation.JsonProperty;
import org.apache.kafka.streams.kstream.Windowed;

/** A value of user-sessions: `end` is the last event. */
record Session(
        @JsonProperty("user_id") String user,
        @JsonProperty("start") long start,
        @JsonProperty("end") long end,
        @JsonProperty("count") long count) {

    static Session of(Windowed<String> key, Long count) {
        return new Session(key.key(), key.window().start(), key.window().end(), count);
    }
}
