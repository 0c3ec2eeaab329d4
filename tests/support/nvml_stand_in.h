// What the stand-in for NVIDIA's library answers: a test that loaded it sets this by its function nvml_stand_in().
#pragma once

#include <cstdint>
#include <vector>

struct NvmlStandIn {
  unsigned int devices = 1;
  unsigned int feature = 1, devtools = 0, settings_devtools = 0, multi_gpu = 0;
  int init = 0, state = 0, settings = 0, count = 0, report = 0, certificate = 0;  // what functions return
  unsigned int report_size_more = 0;                                              // claimed beyond what there is
  std::vector<std::uint8_t> report_bytes = {0x11, 0xE0};                          // the nonce is put behind it
  std::vector<std::uint8_t> chain = {'P', 'E', 'M'};
  int started = 0;  // how often it was started and not stopped
};
using NvmlStandInFunction = NvmlStandIn* (*)();
