// SPDX-License-Identifier: MIT
// Work that an optimising just-in-time compiler compiles, recompiles and throws away, with results
// that can be compared.
'use strict';

function sieve(n) {
    const composite = new Uint8Array(n + 1);
    let count = 0;
    for (let i = 2; i <= n; i++) {
        if (composite[i])
            continue;
        count++;
        for (let j = i * i; j <= n; j += i)
            composite[j] = 1;
    }
    return count;
}

// First integers, then doubles, then strings: what was compiled for one is wrong for the next.
function add(values) {
    let sum = values[0];
    for (let round = 0; round < 300; round++)
        for (let i = 1; i < values.length; i++)
            sum = round < 299 ? values[i] : sum + values[i];
    return sum;
}

class Shape {
    constructor(side) { this.side = side; }
    area() { return 0; }
}
class Square extends Shape { area() { return this.side * this.side; } }
class Circle extends Shape { area() { return Math.imul(this.side, this.side) * 3; } }

function shapes(count) {
    let sum = 0;
    for (let i = 0; i < count; i++)
        sum += (i % 3 ? new Square(i & 1023) : new Circle(i & 1023)).area();
    return sum;
}

function made(count) {
    let sum = 0;
    for (let i = 1; i <= count; i++)
        sum += new Function('n', `let s = 0; for (let i = 0; i < n; i++) s += i * ${i} % 7;
                                  return s;`)(300);
    return sum;
}

const big = 3n ** 500n % (10n ** 40n + 123n);
console.log(sieve(200000), shapes(100000), made(200), big.toString());
console.log(add([1, 2, 3]), add([0.5, 1.25, 2]), add(['a', 'b', 'c']));
console.log(/(\d+)-(?<word>[a-z]+)+$/.exec('12-ab 345-cd').groups.word);
