// A real server on a free port, and clients that send what they like.
#include "serve/http_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A connection of its own, without a client library: any byte may be sent.
class Client {
 public:
  explicit Client(const std::string& address) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~Client() { close(socket_); }

  // Sends, and reads until the text is there or the other side has closed.
  std::string Ask(const std::string& text, const std::string& until) {
    EXPECT_EQ(send(socket_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    std::string answer;
    char bytes[4096];
    while (until.empty() || answer.find(until) == std::string::npos) {
      const ssize_t got = recv(socket_, bytes, sizeof bytes, 0);
      if (got <= 0) break;
      answer.append(bytes, static_cast<size_t>(got));
    }
    return answer;
  }

 private:
  const int socket_;
};

std::unique_ptr<HttpServer> Echo() {
  auto server = HttpServer::Start("127.0.0.1:0", [](std::string_view path) {
    return HttpAnswer{path == "/no" ? 503 : 200, "path " + std::string(path) + "."};
  });
  EXPECT_TRUE(server.ok()) << server.status();
  return std::move(*server);
}

TEST(HttpServerTest, AnswersSeveralRequestsOfAConnection) {
  const auto server = Echo();
  Client client(server->address());
  EXPECT_THAT(client.Ask("GET /readyz?verbose HTTP/1.1\r\nHost: x\r\n\r\n", "path /readyz."),
              StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(client.Ask("GET /no HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", ""),
              testing::AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("path /no.")));
}

TEST(HttpServerTest, OnlyReading) {
  const auto server = Echo();
  EXPECT_THAT(Client(server->address()).Ask("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", "HEAD\n"),
              StartsWith("HTTP/1.1 405 "));
  const std::string head = Client(server->address()).Ask("HEAD /x HTTP/1.0\r\n\r\n", "");
  EXPECT_THAT(head, testing::AllOf(HasSubstr("Content-Length: 8"), testing::EndsWith("\r\n\r\n")));
}

TEST(HttpServerTest, GarbageClosesItsConnectionOnly) {
  const auto server = Echo();
  for (const std::string& garbage : {std::string("\0\xff\r\n\r\n", 6), std::string("GET\r\n\r\n"),
                                     "GET / HTTP/1.1\r\nA: " + std::string(100'000, 'a') + "\r\n\r\n"}) {
    Client(server->address()).Ask(garbage, "\n");
  }
  EXPECT_THAT(Client(server->address()).Ask("GET /a HTTP/1.0\r\n\r\n", ""), HasSubstr("path /a."));
}

TEST(HttpServerTest, ManyAtOnce) {
  const auto server = Echo();
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const std::string answer = Client(server->address()).Ask("GET /a HTTP/1.0\r\n\r\n", "");
        if (answer.find("path /a.") != std::string::npos) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 200);
}

TEST(HttpServerTest, AddressesThatCannotBe) {
  const auto server = Echo();
  for (const std::string& address : {std::string("nonsense"), std::string("127.0.0.1:"), std::string("127.0.0.1:65536"),
                                     std::string("somewhere:80"), server->address()}) {
    const auto status = HttpServer::Start(address, [](std::string_view) { return HttpAnswer(); }).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << address << " " << status;
  }
}

}  // namespace
}  // namespace ebb
