#include "table/proxied.h"

#include "base/root_folder.h"
#include "table/socketmap.h"

namespace table {

namespace {

class Proxied final : public Table {
 public:
  Proxied(std::unique_ptr<Table> direct, std::unique_ptr<Table> service)
      : Table("proxy:" + direct->name(), direct->key_form()),
        direct_(std::move(direct)),
        service_(std::move(service)) {}

  Answer lookup(std::string_view key) override {
    return root_.has_moved() ? service_->lookup(key) : direct_->lookup(key);
  }
  bool may_block() const override { return direct_->may_block(); }

 private:
  std::unique_ptr<Table> direct_;
  std::unique_ptr<Table> service_;
  base::RootFolder root_;  // in which direct_ knows its way
};

}  // namespace

std::unique_ptr<Table> proxied(std::unique_ptr<Table> direct, const std::string& name, const Settings& settings) {
  // Chrooted daemons stand in the queue directory.
  const std::string path = "private/" + settings.proxymap_service;
  const io::Endpoint endpoint{.type = io::Endpoint::Type::unix_stream, .host = {}, .port = {}, .path = path};
  auto service = ask_socketmap("unix:" + path, name, endpoint, settings);
  return std::make_unique<Proxied>(std::move(direct), std::move(service));
}

}  // namespace table
