// A small HTTP server for health checks and metrics, on a thread of its own: GET and HEAD only, short answers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace ebb {

struct HttpAnswer {
  int status = 200;
  std::string body;
  std::string_view content_type = "text/plain; charset=utf-8";
};

// Confined to its task's thread.
class HttpServer {
 public:
  // Called on the server's thread with the path, without its query.
  using Handler = std::function<HttpAnswer(std::string_view path)>;

  // `address` is HOST:PORT, [IPV6]:PORT or :PORT (all addresses); the port 0 takes a free one. InvalidArgument when it
  // is none, or can't be listened on.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const std::string& address, Handler handler);
  virtual ~HttpServer() = default;

  // Where it listens: HOST:PORT.
  virtual std::string address() const = 0;
};

}  // namespace ebb
