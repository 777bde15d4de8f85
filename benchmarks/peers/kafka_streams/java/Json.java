import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;

/** Values on topics: JSON by Jackson. */
final class Json {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private Json() {}

    static <T> Serde<T> of(Class<T> type) {
        ObjectReader reader = MAPPER.readerFor(type);
        ObjectWriter writer = MAPPER.writerFor(type);
        Serializer<T> serializer = (topic, value) -> {
            try {
                return writer.writeValueAsBytes(value);
            } catch (JsonProcessingException error) {
                throw new SerializationException(error);
            }
        };
        Deserializer<T> deserializer = (topic, bytes) -> {
            try {
                return bytes == null ? null : reader.readValue(bytes);
            } catch (IOException error) {
                throw new SerializationException(error);
            }
        };
        return Serdes.serdeFrom(serializer, deserializer);
    }

    /** A JSON integer. */
    static Serde<Long> integer() {
        return Serdes.serdeFrom(
                (topic, value) -> Long.toString(value).getBytes(StandardCharsets.US_ASCII),
                (topic, bytes) -> Long.valueOf(new String(bytes, StandardCharsets.US_ASCII)));
    }
}
