import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;

/** Compresses a file as jib does: Compress.java IN OUT. */
class Compress {
    public static void main(String[] names) throws Exception {
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(Path.of(names[1])))) {
            Files.copy(Path.of(names[0]), out);
        }
    }
}
