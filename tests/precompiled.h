#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>
