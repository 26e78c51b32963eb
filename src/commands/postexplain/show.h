#pragma once
// Reports, for people and for programs.

#include <string>
#include <string_view>
#include <vector>

#include "postexplain/json.h"
#include "postexplain/route.h"
#include "postexplain/session.h"
#include "postexplain/setup.h"

namespace postexplain {

// Lines, each indented by `indent` blanks at least. Parameters that `within` names are not named again.
std::string steps_text(const Setup& setup, const std::vector<Step>& steps, std::size_t indent,
                       std::string_view within = {});
void steps_json(const Setup& setup, const std::vector<Step>& steps, std::string_view name, Json& json);

std::string route_text(const Setup& setup, const RouteReport& report, std::size_t indent = 0);
std::string route_json(const Setup& setup, const RouteReport& report);  // one line
void route_json(const Setup& setup, const RouteReport& report, Json& json);

std::string session_text(const Setup& setup, const SessionReport& report);
std::string session_json(const Setup& setup, const SessionReport& report);  // one line

}  // namespace postexplain
