#include "cleanup/spare_stock.h"

#include <algorithm>
#include <utility>

#include "client/qmgr_client.h"
#include "logging/log.h"
#include "queue/spare.h"

namespace cleanup {

namespace {

constexpr auto kSecond = std::chrono::seconds(1);
constexpr auto kPatience = std::chrono::seconds(10);  // with qmgr

}  // namespace

std::optional<std::string> SpareStock::take() {
  if (settings_.most == 0) return std::nullopt;
  const io::Clock::time_point now = io::Clock::now();
  if (now - second_ >= kSecond) {
    last_second_ = now - second_ < 2 * kSecond ? this_second_ : 0;
    this_second_ = 0;
    second_ = now;
  }
  ++this_second_;
  if (supplier_.done() && is_busy() && io::in_fiber()) {
    supplier_ = io::spawn("spare files", [this] { keep_supplied(); });
  }
  if (names_.empty()) return std::nullopt;
  std::string name = std::move(names_.back());
  names_.pop_back();
  taken_.notify_one();
  return name;
}

bool SpareStock::is_busy() const {
  if (settings_.busy == 0) return true;
  if (io::Clock::now() - second_ >= 2 * kSecond) return false;
  return std::max(this_second_, last_second_) >= settings_.busy;
}

void SpareStock::keep_supplied() {
  try {
    ipc::Channel channel = ipc::connect(settings_.queue_socket, io::Deadline::after(kPatience));
    supply(channel);
  } catch (const io::StreamError& error) {
    logging::debug("cleanup.spares", "queue manager: {reason}", {{"reason", error.what()}});
  }
  // Without the connection, or without need, they are waste.
  give_up();
}

// Until there is no rush any more.
void SpareStock::supply(ipc::Channel& channel) {
  const auto most = static_cast<std::size_t>(settings_.most);
  while (is_busy()) {
    if (names_.size() >= most) {
      taken_.wait(io::Deadline::after(kSecond));
      continue;
    }
    channel.set_deadline(io::Deadline::after(kPatience));
    channel.send(client::SparesWanted{static_cast<std::uint32_t>(most - names_.size())});
    channel.flush();
    for (std::string& name : channel.receive<client::Spares>().names) names_.push_back(std::move(name));
  }
}

void SpareStock::close() {
  supplier_.cancel();
  give_up();
}

void SpareStock::give_up() {
  for (const std::string& name : std::exchange(names_, {})) {
    (void)queue::remove_waste(spool_.disk(), "cleanup.spare.waste", name);
  }
}

}  // namespace cleanup
