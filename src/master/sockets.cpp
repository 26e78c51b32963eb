#include "master/sockets.h"

#include <cerrno>

#include "master/listener.h"

namespace master {

namespace {

bool contains(const std::vector<Endpoint>& all, const Endpoint& endpoint) {
  return std::ranges::find(all, endpoint) != all.end();
}

}  // namespace

SocketChange difference(const std::vector<Endpoint>& present, const std::vector<Endpoint>& wanted) {
  SocketChange change;
  for (const Endpoint& endpoint : present) {
    if (!contains(wanted, endpoint)) change.removed.push_back(endpoint);
  }
  for (const Endpoint& endpoint : wanted) {
    if (!contains(present, endpoint)) change.added.push_back(endpoint);
  }
  return change;
}

bool is_in_the_way(const Endpoint& removed, const Endpoint& added) {
  const bool is_inet = removed.kind == Endpoint::Kind::inet;
  if (is_inet != (added.kind == Endpoint::Kind::inet)) return false;
  return is_inet ? removed.port == added.port && removed.is_ipv6 == added.is_ipv6 : removed.path == added.path;
}

std::string Sockets::key_of(const Endpoint& endpoint) {
  return fmt::format("{} {}", static_cast<int>(endpoint.kind), endpoint.text());
}

Sockets::Socket Sockets::opened(const Endpoint& endpoint, base::Fd fd) {
  Socket socket{endpoint, std::move(fd)};
  struct stat state{};
  if (endpoint.kind != Endpoint::Kind::inet && ::lstat(endpoint.path.c_str(), &state) == 0) {
    socket.device = state.st_dev;
    socket.inode = state.st_ino;
  }
  return socket;
}

bool Sockets::is_at_its_path(const Socket& socket) {
  if (socket.endpoint.kind == Endpoint::Kind::inet) return true;
  struct stat state{};
  return ::lstat(socket.endpoint.path.c_str(), &state) == 0 && state.st_dev == socket.device &&
         state.st_ino == socket.inode;
}

std::expected<void, base::Error> Sockets::prepare(const std::vector<Endpoint>& wanted,
                                                  const std::optional<Owner>& owner) {
  next_owner_ = owner;
  std::vector<Endpoint> open;
  std::vector<Endpoint> reachable;  // not those whose path someone has removed
  for (const auto& [key, socket] : sockets_) {
    open.push_back(socket.endpoint);
    if (is_at_its_path(socket)) reachable.push_back(socket.endpoint);
  }
  removed_ = difference(open, wanted).removed;
  for (const Endpoint& endpoint : difference(reachable, wanted).added) {
    auto fd = listen_at(endpoint, owner);
    if (fd) {
      prepared_.emplace(key_of(endpoint), opened(endpoint, std::move(*fd)));
      continue;
    }
    const bool must_wait =
        (fd.error().number == EADDRINUSE || fd.error().number == EEXIST) &&
        std::ranges::any_of(removed_, [&](const Endpoint& old) { return is_in_the_way(old, endpoint); });
    if (!must_wait) {
      base::Error error{fd.error().text};
      abandon();
      return std::unexpected(std::move(error));
    }
    postponed_.push_back(endpoint);
  }
  return {};
}

void Sockets::abandon() {
  for (const auto& [key, socket] : prepared_) stop_listening(socket.fd.get(), socket.endpoint, next_owner_, true);
  prepared_.clear();
  removed_.clear();
  postponed_.clear();
}

std::vector<base::Error> Sockets::commit() {
  for (const Endpoint& endpoint : removed_) {
    const auto known = sockets_.find(key_of(endpoint));
    stop_listening(known->second.fd.get(), endpoint, owner_, is_at_its_path(known->second));
    sockets_.erase(known);
  }
  removed_.clear();
  // What someone else has removed from the file system has a successor here.
  for (auto& [key, socket] : prepared_) sockets_.insert_or_assign(key, std::move(socket));
  prepared_.clear();
  owner_ = next_owner_;
  missing_.clear();
  std::vector<Endpoint> wanted;
  wanted.swap(postponed_);
  return open_all(std::move(wanted));
}

std::vector<base::Error> Sockets::open_all(std::vector<Endpoint> wanted) {
  std::vector<base::Error> errors;
  for (Endpoint& endpoint : wanted) {
    auto fd = listen_at(endpoint, owner_);
    if (fd) {
      sockets_.insert_or_assign(key_of(endpoint), opened(endpoint, std::move(*fd)));
    } else {
      errors.push_back({fd.error().text});
      missing_.push_back(std::move(endpoint));
    }
  }
  return errors;
}

std::vector<base::Error> Sockets::open_missing() {
  std::vector<Endpoint> wanted;
  wanted.swap(missing_);
  return open_all(std::move(wanted));
}

int Sockets::descriptor_of(const Endpoint& endpoint) const {
  const auto known = sockets_.find(key_of(endpoint));
  return known == sockets_.end() ? -1 : known->second.fd.get();
}

}  // namespace master
