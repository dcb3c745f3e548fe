-- SPDX-License-Identifier: MIT
-- Work that a tracing just-in-time compiler compiles, with results that can be compared.
local bit = require('bit')

local function sieve(n)
    local composite, count = {}, 0
    for i = 2, n do
        if not composite[i] then
            count = count + 1
            for j = i * i, n, i do composite[j] = true end
        end
    end
    return count
end

local function hash(text, rounds)
    local h = 5381
    for _ = 1, rounds do
        for i = 1, #text do
            h = bit.bxor(bit.tobit(h * 33), text:byte(i))
        end
    end
    return h
end

local function mandelbrot(size)
    local inside = 0
    for y = 0, size - 1 do
        for x = 0, size - 1 do
            local cr, ci, zr, zi, n = 2 * x / size - 1.5, 2 * y / size - 1, 0, 0, 0
            while n < 50 and zr * zr + zi * zi < 4 do
                zr, zi, n = zr * zr - zi * zi + cr, 2 * zr * zi + ci, n + 1
            end
            if n == 50 then inside = inside + 1 end
        end
    end
    return inside
end

-- Many functions that are made, compiled and thrown away.
local function made(count)
    local sum = 0
    for i = 1, count do
        local f = loadstring(('local s = 0 for i = 1, 200 do s = s + i * %d %% 7 end return s')
            :format(i))
        sum = sum + f()
    end
    return sum
end

print(sieve(200000), hash('translation', 20000), mandelbrot(120), made(300))
for i = 1, 5 do
    print(string.format('%.17g', math.sin(i) * math.exp(i) / math.sqrt(i)))
end
