#include "io/socket.h"
