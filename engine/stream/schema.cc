// Names of what a schema can say.
#include "engine/stream/schema.h"

namespace ebb {

std::string_view TimeUnitName(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kSeconds:
      return "s";
    case TimeUnit::kMillis:
      return "ms";
    case TimeUnit::kMicros:
      return "us";
    case TimeUnit::kRfc3339:
      return "rfc3339";
  }
  return "";
}

}  // namespace ebb
