import com.google.cloud.dns.testing.LocalDnsHelper;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsServer;
import com.sun.net.httpserver.spi.HttpServerProvider;
import java.io.IOException;
import java.lang.reflect.Field;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * Google's own stand-in for Cloud DNS on 127.0.0.1.
 *
 * <p>CloudDnsPeer DELAY, in milliseconds: how long a change is pending. The port is the system's choice; it is
 * printed. The helper itself would listen on all addresses, so that it is given a server of ours to start.
 */
public final class CloudDnsPeer {
  private static final class Loopback extends HttpServerProvider {
    private final HttpServerProvider usual = HttpServerProvider.provider();

    @Override
    public HttpServer createHttpServer(InetSocketAddress ignored, int backlog) throws IOException {
      InetSocketAddress loopback = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
      HttpServer server = usual.createHttpServer(loopback, backlog);
      System.out.println("listening on " + server.getAddress().getPort());
      return server;
    }

    @Override
    public HttpsServer createHttpsServer(InetSocketAddress address, int backlog) {
      throw new UnsupportedOperationException("the helper speaks plain HTTP");
    }
  }

  public static void main(String[] arguments) throws ReflectiveOperationException {
    Field provider = HttpServerProvider.class.getDeclaredField("provider");
    provider.setAccessible(true);
    provider.set(null, new Loopback());
    LocalDnsHelper.create(Long.valueOf(arguments[0])).start();
  }
}
