import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.HexFormat;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;

/** Where Kafka's Java producer puts keys: each line has a key in hex and a number of partitions. */
public class JavaPartitions {
    public static void main(String[] arguments) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ");
            byte[] key = HexFormat.of().parseHex(words[0]);
            System.out.println(BuiltInPartitioner.partitionForKey(key, Integer.parseInt(words[1])));
        }
    }
}
