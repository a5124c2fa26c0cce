// The two macros that hand an absl::Status up to the caller. An operation that can fail returns Status or StatusOr.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define EBB_RETURN_IF_ERROR(expression)                                      \
  do {                                                                       \
    if (::absl::Status status_ = (expression); !status_.ok()) [[unlikely]] { \
      return status_;                                                        \
    }                                                                        \
  } while (false)

#define EBB_CONCAT_INNER_(a, b) a##b
#define EBB_CONCAT_(a, b) EBB_CONCAT_INNER_(a, b)

// EBB_ASSIGN_OR_RETURN(auto store, OpenStore(path)): declares or assigns the value, or returns the error.
#define EBB_ASSIGN_OR_RETURN(lhs, expression) EBB_ASSIGN_OR_RETURN_(EBB_CONCAT_(status_or_, __LINE__), lhs, expression)
#define EBB_ASSIGN_OR_RETURN_(holder, lhs, expression) \
  auto holder = (expression);                          \
  if (!holder.ok()) [[unlikely]] {                     \
    return std::move(holder).status();                 \
  }                                                    \
  lhs = *std::move(holder)
