import com.google.cloud.dns.testing.LocalDnsHelper;
import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsServer;
import com.sun.net.httpserver.spi.HttpServerProvider;
import java.io.IOException;
import java.lang.reflect.Field;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.Executor;

/**
 * Google's own stand-in for Cloud DNS on 127.0.0.1.
 *
 * <p>CloudDnsPeer DELAY, in milliseconds: how long a change is pending. The port is the system's choice; it is
 * printed, and so is each request: "called GET /dns/v1/...". The helper itself would listen on all addresses,
 * so that it is given a server of ours to start.
 */
public final class CloudDnsPeer {
  public static void main(String[] arguments) throws ReflectiveOperationException {
    Field provider = HttpServerProvider.class.getDeclaredField("provider");
    provider.setAccessible(true);
    provider.set(null, new Loopback());
    LocalDnsHelper.create(Long.valueOf(arguments[0])).start();
  }

  private static final class Loopback extends HttpServerProvider {
    private final HttpServerProvider usual = HttpServerProvider.provider();

    @Override
    public HttpServer createHttpServer(InetSocketAddress ignored, int backlog) throws IOException {
      InetSocketAddress loopback = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
      HttpServer server = usual.createHttpServer(loopback, backlog);
      System.out.println("listening on " + server.getAddress().getPort());
      return new Told(server);
    }

    @Override
    public HttpsServer createHttpsServer(InetSocketAddress address, int backlog) {
      throw new UnsupportedOperationException("the helper speaks plain HTTP");
    }
  }

  private static final class Calls extends Filter {
    @Override
    public void doFilter(HttpExchange exchange, Chain chain) throws IOException {
      System.out.println("called " + exchange.getRequestMethod() + " " + exchange.getRequestURI());
      chain.doFilter(exchange);
    }

    @Override
    public String description() {
      return "prints each request";
    }
  }

  /** A server that prints each request. */
  private static final class Told extends HttpServer {
    private final HttpServer server;

    Told(HttpServer server) {
      this.server = server;
    }

    @Override
    public HttpContext createContext(String path, HttpHandler handler) {
      HttpContext context = server.createContext(path, handler);
      context.getFilters().add(new Calls());
      return context;
    }

    @Override
    public HttpContext createContext(String path) {
      HttpContext context = server.createContext(path);
      context.getFilters().add(new Calls());
      return context;
    }

    @Override
    public void bind(InetSocketAddress address, int backlog) throws IOException {
      server.bind(address, backlog);
    }

    @Override
    public void start() {
      server.start();
    }

    @Override
    public void setExecutor(Executor executor) {
      server.setExecutor(executor);
    }

    @Override
    public Executor getExecutor() {
      return server.getExecutor();
    }

    @Override
    public void stop(int delay) {
      server.stop(delay);
    }

    @Override
    public void removeContext(String path) {
      server.removeContext(path);
    }

    @Override
    public void removeContext(HttpContext context) {
      server.removeContext(context);
    }

    @Override
    public InetSocketAddress getAddress() {
      return server.getAddress();
    }
  }
}
