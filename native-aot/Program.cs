Console.WriteLine($"fastiot {FastIot.Simd.Name}");
