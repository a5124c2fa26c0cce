// A thread that watches calls which are known to hang now and then (librdkafka's transactional ones): one that takes
// longer than it was given is reported, and whoever is told ends the process, since a stuck call can't be called off.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace ebb {

// Thread-safe.
class Watchdog {
 public:
  // `on_stuck` is called with the call's name on the watchdog's thread, at most once for each call.
  explicit Watchdog(std::function<void(const std::string& call, int64_t after_ms)> on_stuck);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Watches from its construction to its end. A null watchdog watches nothing. Confined to its task's thread.
  class Watch {
   public:
    Watch(Watchdog* dog, std::string call, int64_t limit_ms);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    Watchdog* const dog_;
    int64_t id_ = 0;
  };

 private:
  struct Call {
    std::string name;
    int64_t begun_ms;
    int64_t limit_ms;
  };

  void Run();

  const std::function<void(const std::string&, int64_t)> on_stuck_;
  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<int64_t, Call> calls_;
  int64_t next_id_ = 1;
  bool stop_ = false;

  std::thread thread_;
};

}  // namespace ebb
