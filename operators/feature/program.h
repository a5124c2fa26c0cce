// Expressions at run time: a flat list of instructions over one file of double registers, evaluated without allocation.
//
//   ProgramBuilder b;                         // at assembly
//   int calls = b.NewRegister();              // filled by whoever reads the row
//   int rate = b.Emit(Op::kDivide, calls, b.Constant(7.0));
//   Program p = b.Build();
//   std::vector<double> r = p.initial;        // at run time: constants are in place
//   p.Run(0, p.instructions.size(), r.data());
//
// Null is a quiet NaN: arithmetic propagates it, comparisons of null give null, and no instruction ever makes another
// NaN or an infinity (division by zero and overflow are null). Booleans are 1.0 and 0.0, durations milliseconds, texts
// the bit pattern of their 64-bit hash (compared by kTextEqual only).
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "engine/stream/zone.h"

namespace ebb {

inline constexpr double kNull = std::numeric_limits<double>::quiet_NaN();
inline bool IsNull(double value) { return value != value; }

enum class Op : uint8_t {
  kAdd,       // a + b
  kSubtract,  // a - b
  kMultiply,  // a * b
  kDivide,    // a / b; null when b is 0
  kNegate,    // -a
  kLess,      // a < b
  kLessEqual,
  kEqual,
  kNotEqual,
  kTextEqual,  // same bits; text registers only
  kTextNotEqual,
  kAnd,  // three-valued: false and null is false
  kOr,   // true or null is true
  kNot,
  kIf,          // a is true ? b : c (null counts as not true)
  kCoalesce,    // a, or b when a is null
  kSafeDivide,  // a / b; 0 when b is 0 or null, or a is null
  kMin,         // the smaller; null when either is null
  kMax,
  kAbs,
  kSqrt,        // null below 0
  kLog1p,       // null at and below -1
  kIsNull,      // 1 when a is null
  kHourOfDay,   // of the time a, moved by b: 0 to 23
  kDayOfWeek,   // of the time a, moved by b: 1 (Monday) to 7
  kZoneOffset,  // of the zone whose number is b, at the time a
};

struct Instruction {
  Op op;
  uint16_t target;
  uint16_t a;
  uint16_t b;
  uint16_t c;
};

// Immutable after construction.
struct Program {
  std::vector<Instruction> instructions;
  std::vector<double> initial;  // the register file with constants in place and null elsewhere
  std::vector<Zone> zones;

  // Runs instructions [begin, end). `registers` has initial.size() values.
  void Run(size_t begin, size_t end, double* registers) const;
};

// Confined to its task's thread.
class ProgramBuilder {
 public:
  static constexpr int kMaxRegisters = 60000;

  // A register that somebody else fills before Run.
  int NewRegister() {
    program_.initial.push_back(kNull);
    return static_cast<int>(program_.initial.size()) - 1;
  }
  // A register that holds `value`; one register for each different bit pattern.
  int Constant(double value);
  // A register that holds the hash of a text.
  int TextConstant(int64_t hash) { return Constant(std::bit_cast<double>(hash)); }
  // A register that holds the number of a zone; one for each name.
  int ZoneConstant(const Zone& zone);
  // Appends an instruction with a new target register and returns it.
  int Emit(Op op, int a, int b = 0, int c = 0);
  // Position of the next instruction: segments of the program are [position(), position()) pairs.
  size_t position() const { return program_.instructions.size(); }
  int register_count() const { return static_cast<int>(program_.initial.size()); }
  Program Build() const { return program_; }

 private:
  Program program_;
  std::map<uint64_t, int> constants_;
};

}  // namespace ebb
