import com.fasterxml.jackson.annotation.JsonProperty;
import org.apache.kafka.streams.kstream.Windowed;

/** A value of moving-averages: the mean of the values of a window, both of whose ends are in it. */
record Average(
        @JsonProperty("user_id") String user,
        @JsonProperty("window_start") long start,
        @JsonProperty("window_end") long end,
        @JsonProperty("count") long count,
        @JsonProperty("average") double average) {

    static Average of(Windowed<String> key, Mean mean) {
        return new Average(
                key.key(), key.window().start(), key.window().end(), mean.count(), mean.sum() / mean.count());
    }
}
