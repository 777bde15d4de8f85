import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;

/** One computation to run: its windows, all in milliseconds, and how many events follow. */
record Job(String kind, long size, long step, long grace, long retention, int events) {
    static Job of(JsonNode line) {
        return new Job(
                line.get("kind").asText(),
                line.get("size").asLong(),
                line.get("step").asLong(),
                line.get("grace").asLong(),
                line.get("retention").asLong(),
                line.get("events").asInt());
    }

    boolean isSessions() {
        return kind.equals("session");
    }

    boolean isSliding() {
        return kind.equals("sliding");
    }

    /** Size of the windows; of sessions the inactivity gap. */
    Duration length() {
        return Duration.ofMillis(size);
    }

    Duration graceTime() {
        return Duration.ofMillis(grace);
    }

    Duration retentionTime() {
        return Duration.ofMillis(retention);
    }
}
