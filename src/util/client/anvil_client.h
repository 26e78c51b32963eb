#pragma once
// Counting what clients do, over all processes of a service (anvil).

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/fiber.h"
#include "io/wait.h"
#include "ipc/channel.h"

namespace client {

// Of the current time unit (anvil_rate_time_unit), but for `connections`, which is now.
struct AnvilCounts {
  int connections = 0, connection_rate = 0, messages = 0, recipients = 0, new_tls = 0, auths = 0;
  static void fields(auto& self, auto&& visit) {
    visit(self.connections, self.connection_rate, self.messages, self.recipients, self.new_tls, self.auths);
  }
};

// What is counted. A connect is followed by one disconnect; when a process ends, its connection to anvil does that.
// `held` tells a new connection what had been counted on an older one: connections that are open still.
enum class AnvilEvent : unsigned char { connect, disconnect, message, recipient, new_tls, auth, look, held };

// Events in order; the answer, if one is wanted, has the counts of the last one's range.
struct AnvilRequest {
  static constexpr ipc::Kind kind = ipc::Kind::anvil_request;
  struct Item {
    AnvilEvent event = AnvilEvent::look;
    std::string range;
    int by = 1;
    static void fields(auto& self, auto&& visit) { visit(self.event, self.range, self.by); }
  };
  std::vector<Item> items;
  bool wants_counts = true;
  static void fields(auto& self, auto&& visit) { visit(self.items, self.wants_counts); }
};
struct AnvilResult {
  static constexpr ipc::Kind kind = ipc::Kind::anvil_result;
  AnvilCounts counts;
  static void fields(auto& self, auto&& visit) { visit(self.counts); }
};

// One for a process and its loop. All sessions share a connection, which is kept: its end is what makes anvil forget
// the process's sessions. After a lost connection, the next one begins with what is open.
class AnvilClient {
 public:
  static constexpr std::size_t kLongestRange = 320;  // what is longer is cut

  AnvilClient(std::string socket_path, io::Clock::duration timeout);

  // `range` is "service:address" or, for accounts, "service:sasl:username". Nothing: anvil cannot be asked (warned of
  // once a while); the session goes on without limits, as in Postfix.
  std::optional<AnvilCounts> count(std::string_view range, AnvilEvent event, int by = 1);

  // Ends a connection that was counted, whether or not anvil could be asked then. Does not wait for an answer.
  void disconnect(std::string_view range) noexcept;

 private:
  std::optional<AnvilCounts> ask(const std::string& range, AnvilEvent event, int by);
  void tell_of_open(AnvilRequest& request);
  void send_partings();
  void lost(std::string_view why);

  std::string path_;
  io::Clock::duration timeout_;
  std::map<std::string, int, std::less<>> open_;  // by range
  std::vector<AnvilRequest::Item> partings_;      // not told yet
  std::unique_ptr<ipc::Channel> channel_;
  io::Semaphore turn_{1};  // one request at a time
  bool asking_ = false;
  bool parting_lost_ = false;  // for want of memory: the channel has to end
  io::Clock::time_point not_before_{}, last_warning_{};
};

}  // namespace client
