#include "postexplain/setup.h"

#include "base/text.h"
#include "config/registry.h"

namespace postexplain {

namespace {

std::optional<config::Config> load(const config::Source& source) {
  auto config = config::Config::load(source);
  if (!config) throw base::Fatal(config.error().text);
  return std::move(*config);
}

bool runs_smtpd(const config::ServiceLine& line) {
  return !line.command.empty() && line.command.front() == "smtpd";
}

// "smtp" is also the name of a transport, which is another program's.
const config::ServiceLine* find_service(const config::MasterCf& file, std::string_view name) {
  std::vector<config::Remark> remarks;  // master tells
  for (const config::ServiceLine* line : config::effective_lines(file, remarks)) {
    if (line->name == name && runs_smtpd(*line)) return line;
  }
  return nullptr;
}

std::string names_of_services(const config::MasterCf& file) {
  std::string names;
  for (const config::ServiceLine& line : file.lines) {
    if (runs_smtpd(line)) names += (names.empty() ? "" : ", ") + line.name;
  }
  return names.empty() ? "none does" : "these do: " + names;
}

}  // namespace

void Setup::read_master_cf(const std::string& directory) {
  auto file = config::read_master_cf(directory + "/master.cf", false);
  if (!file) throw base::Fatal(file.error().text);
  master_cf_ = std::move(*file);
  has_master_cf_ = !master_cf_.lines.empty();
}

Setup::Setup(const std::string& config_directory)
    : config_(load({.directory = config_directory, .process_name = "postexplain"})) {
  read_master_cf(config_->directory());
}

Setup::Setup(const std::string& config_directory, const std::string& smtpd_service) {
  config::Source source{
      .directory = config::choose_directory(config_directory), .process_name = "smtpd", .service_name = smtpd_service};
  read_master_cf(source.directory);
  const config::ServiceLine* const service = find_service(master_cf_, smtpd_service);
  if (service == nullptr && smtpd_service != "smtp") {
    throw base::Fatal(fmt::format("file {}/master.cf: no service \"{}\" runs smtpd; {}", source.directory,
                                  base::printable(smtpd_service), names_of_services(master_cf_)));
  }
  if (service != nullptr) {
    service_line_ = service->where.text();
    for (const config::Arguments::Option& option : config::arguments_of(*service).options) {
      if (!option.is_override) continue;
      auto setting = config::split_name_value(option.text);
      if (!setting) throw base::Fatal(fmt::format("{}: {}", service_line_, setting.error().text));
      source.overrides.push_back(std::move(*setting));
    }
  }
  config_ = load(source);
}

std::string Setup::origin(std::string_view parameter) const {
  const auto& settings = config_->settings();
  if (const auto found = settings.find(parameter); found != settings.end()) {
    const config::Origin& where = found->second.where;
    return where.file == "-o" ? fmt::format("{}: -o", service_line_) : where.text();
  }
  return config::find_parameter(parameter) != nullptr ? "default" : "";
}

const config::ServiceLine* Setup::transport(std::string_view name) const {
  for (const config::ServiceLine& line : master_cf_.lines) {
    if (line.name == name && line.type != "inet") return &line;
  }
  return nullptr;
}

}  // namespace postexplain
