#include "logging/log.h"
