// Each connection is a chain of read, answer, read, ... on one thread. One that says nothing for a while is closed.
#include "serve/http_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <charconv>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

namespace ebb {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr auto kIdleLimit = std::chrono::seconds(30);
constexpr uint64_t kMaxBodyBytes = 4096;
constexpr uint32_t kMaxHeaderBytes = 8192;

// Confined to its task's thread.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, const HttpServer::Handler* handler) : stream_(std::move(socket)), handler_(*handler) {}

  void Read() {
    parser_.emplace();
    parser_->body_limit(kMaxBodyBytes);
    parser_->header_limit(kMaxHeaderBytes);
    stream_.expires_after(kIdleLimit);
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](beast::error_code error, size_t) {
      if (!error) self->Answer();
    });
  }

 private:
  void Answer() {
    const http::request<http::string_body>& request = parser_->get();
    HttpAnswer answer;
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      answer = {405, "only GET and HEAD\n"};
    } else {
      const std::string_view target(request.target().data(), request.target().size());
      answer = handler_(target.substr(0, target.find('?')));
    }
    response_ = {static_cast<http::status>(answer.status), request.version()};
    response_.set(http::field::content_type,
                  beast::string_view(answer.content_type.data(), answer.content_type.size()));
    response_.set(http::field::cache_control, "no-store");
    response_.keep_alive(request.keep_alive());
    const size_t size = answer.body.size();
    if (request.method() != http::verb::head) response_.body() = std::move(answer.body);
    response_.content_length(size);
    http::async_write(stream_, response_, [self = shared_from_this()](beast::error_code error, size_t) {
      if (error) return;
      if (self->response_.keep_alive()) return self->Read();
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, error);
    });
  }

  beast::tcp_stream stream_;
  const HttpServer::Handler& handler_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
};

// Confined to its task's thread.
class BeastServer final : public HttpServer {
 public:
  explicit BeastServer(Handler handler) : handler_(std::move(handler)), acceptor_(context_) {}
  ~BeastServer() override {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Listen(const std::string& host, uint16_t port) {
    beast::error_code error;
    const asio::ip::address address = asio::ip::make_address(host, error);
    if (error) return absl::InvalidArgumentError(fmt::format("'{}' is no IP address", host));
    const tcp::endpoint endpoint(address, port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return absl::InvalidArgumentError(fmt::format("can't listen on {}:{}: {}", host, port, error.message()));
    Accept();
    thread_ = std::thread([this] { context_.run(); });
    return absl::OkStatus();
  }

  std::string address() const override {
    const tcp::endpoint local = acceptor_.local_endpoint();
    return local.address().is_v6() ? fmt::format("[{}]:{}", local.address().to_string(), local.port())
                                   : fmt::format("{}:{}", local.address().to_string(), local.port());
  }

 private:
  void Accept() {
    acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (!error) std::make_shared<Connection>(std::move(socket), &handler_)->Read();
      if (error != asio::error::operation_aborted) Accept();
    });
  }

  const Handler handler_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const std::string& address, Handler handler) {
  const size_t colon = address.rfind(':');
  std::string host = colon == std::string::npos ? "" : address.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) host = "0.0.0.0";
  const char* const begin = address.data() + (colon == std::string::npos ? 0 : colon + 1);
  const char* const end = address.data() + address.size();
  uint16_t port = 0;
  const auto [stop, error] = std::from_chars(begin, end, port);
  if (error != std::errc() || stop != end || colon == std::string::npos) {
    return absl::InvalidArgumentError(fmt::format("'{}' is no HOST:PORT", address));
  }
  auto server = std::make_unique<BeastServer>(std::move(handler));
  absl::Status status = server->Listen(host, port);
  if (!status.ok()) return status;
  return server;
}

}  // namespace ebb
